/** The example that drives the wire from a shell, run as its reader would: bash, the script, a real runtime. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcoreCommand, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

const driveFile = fileURLToPath(new URL("../../../../examples/wire-from-shell/drive.sh", import.meta.url));

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

function drive(script: string, command = agentcoreCommand.join(" ")) {
  const child = spawn("bash", [driveFile, ".", script], {
    cwd: scratch.workspace,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: scratch.root,
      XDG_STATE_HOME: scratch.stateDir,
      AGENTCORE: command,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const went = Promise.withResolvers<void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (stdout.includes("stdout: go")) went.resolve();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const finished = once(child, "close").then(([code]: unknown[]) => ({ code, stdout, stderr }));
  return { child, went: went.promise, finished };
}

it("runs a job from the handshake to the drain, with nothing but bash", async () => {
  const said = `"id":3,"result" \\ é %d\ttab`;
  const { code, stdout, stderr } = await drive(`cat <<'END' | tee a.txt\n${said}\nEND`).finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(
    stdout
      .replace(/permit \S+/, "permit P")
      .replace(/process \d+/, "process N")
      .split("\n"),
  ).toEqual([
    "connected: protocol 2",
    "granted: permit P",
    "started: process N",
    `stdout: ${said}`,
    "result: succeeded, 0 processes left behind",
    "drained and shut down",
    "",
  ]);
  expect(readFileSync(join(scratch.workspace, "a.txt"), "utf8")).toBe(`${said}\n`);
});

it("says by its exit code that the job failed", async () => {
  const { code, stdout } = await drive("exit 7").finished;
  expect(code).toBe(1);
  expect(stdout).toContain("result: failed, 0 processes left behind");
});

it("acknowledges as it reads: more output than the window holds arrives whole", async () => {
  const { code, stdout } = await drive("seq 1200").finished;
  expect(code).toBe(0);
  expect(stdout.match(/^stdout: \d+$/gm)).toHaveLength(1200);
});

it("cancels the job on Ctrl-C, and leaves nothing running", async () => {
  const { child, went, finished } = drive("echo $$ > pid.txt; echo go; sleep 4731; touch late.txt");
  await went;
  child.kill("SIGINT");
  const { code, stdout } = await finished;
  expect(code).toBe(130);
  expect(stdout).toContain("result: cancelled, 0 processes left behind");
  expect(existsSync(join(scratch.workspace, "late.txt"))).toBe(false);
});

it("says so where there is no runtime to talk to", async () => {
  for (const gone of ["false", "true", "false"]) {
    const { code, stderr } = await drive("true", gone).finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^drive\.sh: the runtime has ended.*\n$/);
  }
});
