/**
 * What a worker leaves in every place that it can write: a pipe, a link, a device, a directory, a file of its own. Nothing
 * waits for any of them, follows them, or writes through them.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { driveToEnd } from "../testing/drive.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { homeOfSession, listJobDirectories } from "./attempt-directory.ts";
import { createOutputLog } from "./output-log.ts";
import { collectOutputs } from "./collect-outputs.ts";

const kinds = ["fifo", "link", "link to a device", "directory", "file that is there already"] as const;
const victimText = "the victim's own";

function place(kind: (typeof kinds)[number], path: string, victim: string): void {
  if (kind === "fifo") execFileSync("mkfifo", [path]);
  if (kind === "link") symlinkSync(victim, path);
  if (kind === "link to a device") symlinkSync("/dev/zero", path);
  if (kind === "directory") mkdirSync(path);
  if (kind === "file that is there already") writeFileSync(path, "x");
}

function scene() {
  const directory = makeTemporaryDirectory("placed");
  const victim = join(makeTemporaryDirectory("victim"), "file");
  writeFileSync(victim, victimText);
  return { directory, victim };
}

describe.each(kinds)("a %s", (kind) => {
  it("in the place of a log is not written to, and costs the log alone", async () => {
    const { directory, victim } = scene();
    const path = join(directory, "stdout.log");
    place(kind, path, victim);
    const notices: string[] = [];
    const log = createOutputLog({ path, bytesMax: 1000, onNotice: (text) => notices.push(text) });
    expect(log.write(Buffer.from("hello"))).toBe(true);
    expect(await log.close()).toBeNull();
    expect(notices).toEqual([expect.stringContaining("can no longer be kept")]);
    expect(readFileSync(victim, "utf8")).toBe(victimText);
  });

  it("in the place of a job's id is not read", async () => {
    const { directory, victim } = scene();
    mkdirSync(join(directory, "job"));
    place(kind, join(directory, "job", "job-id"), victim);
    const [listed] = await listJobDirectories(directory);
    expect(listed?.jobId).toBe(kind === "file that is there already" ? "x" : "job");
  });

  it("as a declared output is copied only where it is a file or a directory of the workspace", async () => {
    const { directory: workspace, victim } = scene();
    place(kind, join(workspace, "out"), victim);
    const found = await collectOutputs(
      [{ name: "out", path: "out", optional: false }],
      workspace,
      makeTemporaryDirectory("attempt"),
      { bytesMax: 1000, startedAt: 0 },
    );
    const isCopied = kind === "directory" || kind === "file that is there already";
    expect(found.artifacts).toHaveLength(isCopied ? 1 : 0);
    expect(found.missing).toHaveLength(isCopied ? 0 : 1);
  });
});

it("a link in the place of the workspace itself leads no output out of it", async () => {
  const { directory, victim } = scene();
  const workspace = join(directory, "workspace");
  symlinkSync(dirname(victim), workspace);
  const found = await collectOutputs(
    [{ name: "out", path: basename(victim), optional: false }],
    workspace,
    makeTemporaryDirectory("attempt"),
    { bytesMax: 1000, startedAt: 0 },
  );
  expect(found).toMatchObject({ artifacts: [], missing: [expect.stringContaining("leads out")] });
});

it("a link that leads out of the attempts is no session's HOME", async () => {
  const { directory, victim } = scene();
  const links = join(directory, ".sessions", "scripted");
  mkdirSync(links, { recursive: true });
  symlinkSync(join(victim, ".."), join(links, "session-1"));
  expect(await homeOfSession(directory, "scripted", "session-1")).toBeNull();
});

it("a worker that fills its HOME and TMPDIR with pipes and links ends as any other", async () => {
  const script = `
    cd "$HOME"; mkfifo stdout.log job-id .npmrc; ln -s /dev/zero zero; mkfifo "$TMPDIR/fifo"; ln -s / "$TMPDIR/root"
    echo '{"type":"result","ok":true,"summary":"done"}'`;
  const { ended } = await driveToEnd({
    adapter: scriptedAdapter,
    program: "/bin/sh",
    task: { args: ["-c", script] },
  });
  expect(ended.outcome).toBe("succeeded");
});
