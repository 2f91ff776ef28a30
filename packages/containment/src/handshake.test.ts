import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex, Readable } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import {
  afterLine,
  handshakeStart,
  replacingScript,
  waitingScript,
  type HandshakeState,
} from "./handshake.ts";
import { findSystemProgram } from "./programs.ts";

describe("the line says", () => {
  const ready = { phase: "ready", newestPid: 7, signalNoted: false } as const;
  it.each<[string, string[], HandshakeState]>([
    ["nothing", [], { phase: "starting" }],
    ["something unknown first", ["hello"], { phase: "starting" }],
    ["ready", ["ready 7"], ready],
    ["ready where the kernel does not tell", ["ready "], { ...ready, newestPid: null }],
    ["exit before ready, which is nonsense", ["exit 0"], { phase: "starting" }],
    ["a plain exit", ["ready 7", "exit 3"], { phase: "exited", status: 3, bySignal: false }],
    [
      "an exit code that looks like a signal",
      ["ready 7", "exit 143"],
      { phase: "exited", status: 143, bySignal: false },
    ],
    [
      "a death by signal",
      ["ready 7", "Terminated", "exit 143"],
      { phase: "exited", status: 143, bySignal: true },
    ],
    [
      "a word, but an ordinary exit",
      ["ready 7", "oops", "exit 2"],
      { phase: "exited", status: 2, bySignal: false },
    ],
    ["more after the exit", ["ready 7", "exit 1", "exit 2"], { phase: "exited", status: 1, bySignal: false }],
  ])("%s", (_, lines, state) => {
    expect(lines.reduce(afterLine, handshakeStart)).toEqual(state);
  });
});

const directory = mkdtempSync(path.join(tmpdir(), "agentcore-handshake-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const shells = ["dash", "bash", "busybox"].filter((name) => findSystemProgram(name) !== null);
const setsid = findSystemProgram("setsid") as string;

interface Talk {
  readonly line: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: string | null;
}

/** Runs a script as the box would, answers `ready` in the way given, and says what came out where. */
async function talk(
  shell: string,
  script: string,
  payload: string[],
  {
    answer = "go\n",
    stdin = "",
    env = {},
  }: { answer?: string; stdin?: string; env?: Record<string, string> } = {},
): Promise<Talk> {
  const extra = script === waitingScript ? [setsid, "--"] : [];
  const child = spawn(
    shell,
    [...(shell === "busybox" ? ["sh"] : []), "-c", script, "sh", ...extra, ...payload],
    {
      stdio: ["pipe", "pipe", "inherit", "pipe", "pipe"],
      env: { ...process.env, ...env },
    },
  );
  const outputs = { line: "", stdout: "", stderr: "" };
  const channel = child.stdio[3] as Duplex;
  channel.on("data", (chunk) => {
    const text = String(chunk);
    if (outputs.line === "" && answer.endsWith("\n")) channel.write(answer);
    else if (outputs.line === "") channel.end(answer);
    outputs.line += text;
    if (/^exit \d+$/m.test(outputs.line)) channel.end();
  });
  child.stdout?.on("data", (chunk) => (outputs.stdout += String(chunk)));
  (child.stdio[4] as Readable).on("data", (chunk) => (outputs.stderr += String(chunk)));
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(stdin);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { ...outputs, code, signal };
}

describe.each(shells)("the waiting script under %s", (shell) => {
  it.each([
    ["exit 0", 0, false],
    ["exit 7", 7, false],
    ["exit 143", 143, false],
    ["kill -TERM $$", 143, true],
    ["kill -KILL $$", 137, true],
    ["kill -SEGV $$", 139, true],
    ["kill -HUP $$", 129, true],
  ])("reports %s truly", async (payload, status, bySignal) => {
    const said = await talk(shell, waitingScript, ["/bin/sh", "-c", payload]);
    const state = said.line.trim().split("\n").reduce(afterLine, handshakeStart);
    expect(state).toEqual({ phase: "exited", status, bySignal });
    expect(said).toMatchObject({ stdout: "", stderr: "", code: 0 });
  });

  it("passes stdin, stdout and stderr through and adds nothing of its own", async () => {
    const said = await talk(shell, waitingScript, ["/bin/sh", "-c", "cat; echo bad >&2; kill -ABRT $$"], {
      stdin: "in\n",
    });
    expect(said).toMatchObject({ stdout: "in\n", stderr: "bad\n" });
  });

  it("leaves the payload no descriptor but the three", async () => {
    const said = await talk(shell, waitingScript, ["/bin/sh", "-c", "ls /proc/self/fd | tr '\\n' ' '"]);
    // The last one is the directory that ls itself has open.
    const inherited = said.stdout.trim().split(" ").slice(0, -1);
    expect(inherited.filter((fd) => Number(fd) < 10)).toEqual(["0", "1", "2"]);
  });

  it("leaves the payload every variable as it was", async () => {
    const env = { answer: "1", setsid: "2", path: "3", agentcore: "4" };
    const said = await talk(shell, waitingScript, ["/usr/bin/env"], { env });
    const expected = Object.entries(env).map((each) => each.join("="));
    expect(said.stdout.split("\n")).toEqual(expect.arrayContaining(expected));
  });

  it("leaves signals to the payload as they were", async () => {
    const said = await talk(shell, waitingScript, ["/bin/sh", "-c", "grep SigIgn /proc/self/status"]);
    const own = await talk(shell, replacingScript, ["/bin/sh", "-c", "grep SigIgn /proc/self/status"]);
    expect(said.stdout).toBe(own.stdout);
  });

  it("makes the payload the leader of its own session, so that kill 0 stays there", async () => {
    const said = await talk(shell, waitingScript, ["/bin/sh", "-c", "trap 'exit 5' TERM; kill 0; sleep 5"]);
    expect(said.line).toMatch(/^exit 5$/m);
    expect(said.code).toBe(0);
  });
});

describe.each([
  ["waiting", waitingScript],
  ["replacing", replacingScript],
])("the %s script", (name, script) => {
  it.each([
    ["the line ends", ""],
    ["the answer is another", "no\n"],
    ["the answer is cut short", "g"],
  ])("never starts the payload if %s", async (what, answer) => {
    const proof = path.join(directory, `${name}-${what}`);
    for (const shell of shells) {
      expect((await talk(shell, script, ["/bin/touch", proof], { answer })).code).toBe(125);
      expect(existsSync(proof)).toBe(false);
    }
  });

  it("starts the payload after go", async () => {
    for (const shell of shells) {
      const said = await talk(shell, script, ["/bin/echo", "ran"]);
      expect(said).toMatchObject({ stdout: "ran\n", code: 0 });
    }
  });

  it("says where a program is missing, on the payload's stderr", async () => {
    for (const shell of shells) {
      const said = await talk(shell, script, ["/nonexistent/program"]);
      expect(said.stderr).toContain("/nonexistent/program");
    }
  });
});

it("the payload's exit is the replacing script's own", async () => {
  for (const shell of shells) {
    expect(await talk(shell, replacingScript, ["/bin/sh", "-c", "exit 9"])).toMatchObject({ code: 9 });
    expect(await talk(shell, replacingScript, ["/bin/sh", "-c", "kill -TERM $$"])).toMatchObject({
      code: null,
      signal: "SIGTERM",
    });
  }
});
