import { silentLog, systemClock } from "@agentcore/contract";
import { patienceMs, until } from "@agentcore/contract/testing";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { FileWatchSource } from "../definition.ts";
import { recordedLog, TestHost } from "../testing/sources.ts";
import { FileWatchSources, type FileWatchSourcesOptions } from "./file-watch-source.ts";

let folder: string;
let workspace: string;
const open: FileWatchSources[] = [];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "file-watch-")));
  workspace = join(folder, "workspace");
  await mkdir(workspace);
});
afterEach(async () => {
  for (const sources of open.splice(0)) await sources.close();
  await rm(folder, { recursive: true, force: true });
});

const put = async (path: string, text = "x"): Promise<void> => {
  await mkdir(dirname(join(workspace, path)), { recursive: true });
  await writeFile(join(workspace, path), text);
};

async function started(
  change: Partial<FileWatchSource> = {},
  options: Partial<FileWatchSourcesOptions> = {},
) {
  const host = new TestHost();
  const { log, lines } = recordedLog();
  const source = {
    type: "fswatch",
    paths: ["src/**/*.ts"],
    ignore: ["**/*.tmp.ts"],
    events: ["create", "modify", "delete"],
    ...change,
  } as const;
  const stateDir = join(workspace, ".daemon-state");
  const sources = new FileWatchSources({
    sources: new Map([["files", source]]),
    workspace,
    stateDir,
    host,
    clock: systemClock,
    log,
    ...options,
  });
  open.push(sources);
  await sources.start();
  const changes = () =>
    host.events.flatMap(({ payload }) => (payload as { changes: { path: string; event: string }[] }).changes);
  const countOf = (kind: string) => sources.counts().find((one) => one.kind === kind)?.count ?? 0;
  return { host, sources, lines, changes, countOf };
}

it("changes of matching files are events, and what was there before is none", async () => {
  await put("src/old.ts");
  await put("src/gone.ts");
  const { host, changes } = await started();
  await put("src/deep/er/$(touch owned)\u001b[2J.ts");
  await put("src/old.ts", "new");
  await rm(join(workspace, "src/gone.ts"));
  await until(() => changes().length === 3);
  expect(changes().sort((a, b) => a.path.localeCompare(b.path))).toEqual(
    [
      { path: "src/deep/er/$(touch owned)\u001b[2J.ts", event: "create" },
      { path: "src/gone.ts", event: "delete" },
      { path: "src/old.ts", event: "modify" },
    ].sort((a, b) => a.path.localeCompare(b.path)),
  );
  expect(host.events[0]).toMatchObject({
    source: "files",
    key: null,
    payload: { type: "fswatch", omitted: 0 },
  });
});

it("what is ignored, .git, the state directory and other files are no events", async () => {
  const { changes } = await started({ paths: ["**"], ignore: ["**/*.tmp", "build"] });
  for (const path of [".git/index", "sub/.git/HEAD", ".daemon-state/db", "a.tmp", "build/out"])
    await put(path);
  await put("seen");
  await until(() => changes().length > 0);
  await put("seen-2");
  await until(() => changes().length > 1);
  expect(changes().map(({ path }) => path)).toEqual(["seen", "seen-2"]);
});

it("only the kinds of changes that are asked for are events", async () => {
  await put("src/a.ts");
  await put("src/b.ts");
  const { changes } = await started({ events: ["delete"] });
  await put("src/b.ts", "new");
  await put("src/c.ts");
  for (const [index, path] of ["src/a.ts", "src/b.ts"].entries()) {
    await rm(join(workspace, path));
    await until(() => changes().length > index);
  }
  expect(changes()).toEqual([
    { path: "src/a.ts", event: "delete" },
    { path: "src/b.ts", event: "delete" },
  ]);
});

it("many changes at once are few events with a bounded number of paths", async () => {
  const { host } = await started({ paths: ["*"] });
  await Promise.all(Array.from({ length: 1200 }, (_, file) => writeFile(join(workspace, `f${file}`), "")));
  const sums = () =>
    host.events
      .map(({ payload }) => payload as { changes: unknown[]; omitted: number })
      .map(({ changes, omitted }) => ({ paths: changes.length, all: changes.length + omitted }));
  await until(() => sums().reduce((sum, { all }) => sum + all, 0) >= 1200);
  expect(Math.max(...sums().map(({ paths }) => paths))).toBeLessThanOrEqual(1000);
  expect(sums().length).toBeLessThan(100);
});

it("a file that is made while a busy machine reads its directory is not lost", async () => {
  await Promise.all(Array.from({ length: 2000 }, (_, file) => put(`f${file}`)));
  const { changes } = await started({ paths: ["*", "*/deep"] });
  await put("first");
  // The directory is being read now. What is made meanwhile is read again, unless the event loop stands still for a second.
  await pause(20);
  writeFileSync(join(workspace, "second"), "x");
  mkdirSync(join(workspace, "folder"));
  writeFileSync(join(workspace, "folder/deep"), "x");
  await pause(20);
  const endMs = performance.now() + 1200;
  while (performance.now() < endMs);
  const wanted = ["first", "folder/deep", "second"];
  const seen = () =>
    changes()
      .map(({ path }) => path)
      .filter((path) => wanted.includes(path));
  await until(() => seen().length >= wanted.length);
  expect(seen().toSorted()).toEqual(wanted);
});

it("no symbolic link is followed", async () => {
  const outside = join(folder, "outside");
  await mkdir(outside);
  await symlink(outside, join(workspace, "linked"));
  const { changes } = await started({ paths: ["**/*.ts"] });
  await symlink(outside, join(workspace, "linked-later"));
  await writeFile(join(outside, "secret.ts"), "x");
  await put("seen.ts");
  await until(() => changes().length > 0);
  await writeFile(join(outside, "secret.ts"), "y");
  await put("seen-2.ts");
  await until(() => changes().length > 1);
  expect(changes().map(({ path }) => path)).toEqual(["seen.ts", "seen-2.ts"]);
});

it("a workspace that vanishes is waited for, and watched again when it is there", async () => {
  const { changes, lines, countOf } = await started({ paths: ["*.ts"] });
  await rename(workspace, join(folder, "away"));
  await rm(join(folder, "away"), { recursive: true });
  await until(() => countOf("vanished") > 0);
  await mkdir(workspace);
  let file = 0;
  await until(async () => {
    await put(`seen-${(file += 1)}.ts`);
    return changes().length > 0;
  });
  expect(lines.filter(({ kind }) => kind === "vanished")).toHaveLength(1);
});

it("changes that could not be stored are stored later, merged with those since", async () => {
  const hasty = {
    ...systemClock,
    setTimer: (ms: number, fire: () => void) => systemClock.setTimer(ms / 10, fire),
  };
  const { host, changes, countOf, lines } = await started({}, { clock: hasty });
  host.failure = new Error("disk full");
  await put("src/a.ts");
  await until(() => countOf("not_kept") > 1);
  await put("src/b.ts");
  host.failure = null;
  await until(() => changes().length === 2);
  expect(lines.filter(({ kind }) => kind === "not_kept")).toHaveLength(1);
});

it("patterns that leave the workspace, too many files and a missing workspace are clear errors", async () => {
  for (const path of ["../x", "/etc/*", "a/../../b"])
    await expect(started({ paths: [path] })).rejects.toMatchObject({ code: "AC_DAEMON_FILE" });
  for (let file = 0; file < 5; file += 1) await put(`src/${file}.ts`);
  await expect(started({}, { filesMax: 4 })).rejects.toMatchObject({
    code: "AC_WATCH_LIMIT",
    message: `Event "files" watches more than 4 files in ${workspace}. Name fewer under \`paths\`, or large directories under \`ignore\`.`,
  });
  await expect(started({}, { workspace: join(folder, "none") })).rejects.toMatchObject({
    code: "AC_WORKSPACE_MISSING",
  });
});

const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** Watches `*.ts` and `*` below in a process of its own until it has seen `b.ts` created; prints the kinds of its log lines. */
const program = (before: string): string => `
  import { writeFileSync } from "node:fs";
  import { FileWatchSources } from ${module("file-watch-source.ts")};
  import { recordedLog, TestHost } from ${module("../testing/sources.ts")};
  import { systemClock } from "@agentcore/contract";
  ${before}
  const host = new TestHost();
  const { log, lines } = recordedLog();
  const source = { type: "fswatch", paths: ["**"], ignore: [], events: ["create"] };
  const sources = new FileWatchSources({ sources: new Map([["files", source]]), workspace: process.argv[1],
    stateDir: "/nowhere", host, clock: systemClock, log, pollMs: 50 });
  await sources.start();
  writeFileSync(process.argv[1] + "/b.ts", "");
  while (!JSON.stringify(host.events).includes("b.ts")) await new Promise((resolve) => setTimeout(resolve, 20));
  await sources.close();
  console.log(JSON.stringify(lines.map(({ kind }) => kind)));`;

const run = async (command: string, ...args: string[]): Promise<unknown> => {
  const options = { timeout: patienceMs(20_000), cwd: import.meta.dirname };
  const { stdout } = await promisify(execFile)(command, args, options);
  return JSON.parse(stdout);
};

const node = ["--conditions=@agentcore/source", "--input-type=module", "-e"];

it("with fewer watches than files, the files are looked at instead, and the log says so once", async () => {
  for (let file = 0; file < 20; file += 1) await put(`a${file}.ts`);
  const limited = 'echo 5 > /proc/sys/user/max_inotify_watches && exec "$@"';
  const kinds = await run(
    "unshare",
    "-Ur",
    "sh",
    "-c",
    limited,
    "sh",
    process.execPath,
    ...node,
    program(""),
    workspace,
  );
  expect(kinds).toEqual(["watch_limit"]);
});

it("a directory that cannot be read is logged once, and the others are watched", async () => {
  await chmod(folder, 0o755);
  await chmod(workspace, 0o777);
  for (const name of ["shut", "shut-too"]) await mkdir(join(workspace, name), { mode: 0o000 });
  // The administrator can read everything.
  const kinds = await run(
    process.execPath,
    ...node,
    program("if (process.getuid() === 0) process.setuid(65534);"),
    workspace,
  );
  expect(kinds).toEqual(["unreadable"]);
});

it("without events, nothing keeps the process busy after a close", async () => {
  const { sources } = await started({}, { log: silentLog });
  await sources.close();
  await sources.close();
  expect(sources.counts()).toEqual([]);
});
