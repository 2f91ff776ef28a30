import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { agentcoreCommand, makeScratch } from "./testing/agentcore-process.ts";

const app = fileURLToPath(new URL("..", import.meta.url));
const scratch = makeScratch();
/** As installed, with no package beside it. */
const bin = agentcoreCommand.at(-1) ?? "";
const installed = join(bin, "../..");

afterAll(() => scratch.remove());

function run(
  args: readonly string[],
  options: { input?: string; node?: string; env?: Record<string, string> } = {},
) {
  return spawnSync(options.node ?? process.execPath, [bin, ...args], {
    cwd: scratch.workspace,
    encoding: "utf8",
    input: options.input ?? "",
    env: { PATH: process.env["PATH"] ?? "", HOME: scratch.root, ...options.env },
  });
}

it("runs a task, with no package installed beside it", () => {
  const { status, stdout, stderr } = run(["run", "echo bundled", "--worker", "shell", "--json"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
    outcome: "succeeded",
    summary: "bundled",
  });
});

it("runs the queue in a supervised process of its own", () => {
  const id = run(["submit", "exit 3", "--worker", "shell"]).stdout.trim();
  expect(run(["work", "--drain"])).toMatchObject({ status: 0, stderr: "" });
  expect(run(["jobs", "wait", id]).status).toBe(1);
});

it("loads what a run needs only now and then, without a word of Node", () => {
  const { status, stderr } = run(["run", "hello", "--worker", "codex"]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^agentcore: Codex: codex is not on PATH; .*\n {2}AC_WORKER_MISSING: .*\n$/);
});

it("reads a configuration and loads what it names", () => {
  writeFileSync(join(scratch.workspace, "agentcore.yaml"), "workers: { mine: { adapter: ./absent.js } }\n");
  expect(run(["trust"]).status).toBe(0);
  const { stdout } = run(["doctor", "--json"]);
  const { workers } = JSON.parse(stdout) as { workers: { name: string; status: string }[] };
  expect(workers.map(({ name }) => name)).toEqual(["shell", "claude-code", "codex", "opencode", "mine"]);
  expect(workers.find(({ name }) => name === "mine")).toMatchObject({ status: "adapter_invalid" });
  rmSync(join(scratch.workspace, "agentcore.yaml"));
});

it("draws a workflow, with a layout library that nothing else loads", () => {
  const file = join(scratch.workspace, "one.yaml");
  writeFileSync(
    file,
    'name: one\nversion: "1"\ntimeout: 1m\nsteps: { a: { worker: shell, capabilities: [read], instructions: "true" } }\n',
  );
  const { status, stdout } = run(["workflow", "graph", file, "--html"]);
  expect(status).toBe(0);
  expect(stdout).toContain("</svg>");
  // Each file of the bundle, with the files that it loads before its first line.
  const folder = join(installed, "dist/bundle");
  const loadedWith = (name: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(name)) return seen;
    seen.add(name);
    const text = readFileSync(join(folder, name), "utf8");
    for (const [, next = ""] of text.matchAll(/(?:^|[;}\n])(?:import|export)[^;"]*"\.\/([^"]+)"/g))
      loadedWith(next, seen);
    return seen;
  };
  const drawing = readdirSync(folder).filter((name) =>
    readFileSync(join(folder, name), "utf8").includes("network-simplex"),
  );
  expect(drawing).not.toEqual([]);
  const programs = [
    "main.js",
    "run.cjs",
    "workflow-run.cjs",
    "lazy-workflow.js",
    "lazy-workflow-graph.js",
    "lazy-workflow-run.js",
  ];
  for (const program of programs)
    expect([...loadedWith(program)].filter((name) => drawing.includes(name))).toEqual([]);
});

it("keeps the code of a run of a workflow, whose other commands are not in that file", () => {
  const home = join(scratch.root, "home-of-workflows");
  mkdirSync(home);
  const file = join(scratch.workspace, "kept.yaml");
  writeFileSync(
    file,
    'name: kept\nversion: "1"\ntimeout: 1m\nsteps: { a: { worker: shell, capabilities: [read], instructions: "true" } }\n',
  );
  const keptAfter = (...args: string[]) => {
    const ran = run(["workflow", ...args], { env: { HOME: home } });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    const kept = join(home, ".cache/agentcore/compile-cache");
    const names = readdirSync(kept).filter((name) => name.startsWith("code-"));
    return names.map((name) => statSync(join(kept, name)).ino);
  };
  expect(keptAfter("validate", file)).toEqual([]);
  const kept = keptAfter("run", file);
  expect(kept).toHaveLength(1);
  expect(keptAfter("run", file)).toEqual(kept);
});

it("logs what goes wrong on stderr, as a sentence or with --json as JSON", () => {
  const broken = join(scratch.root, "broken", "spool");
  mkdirSync(broken, { recursive: true });
  writeFileSync(join(broken, "p1.json"), "no result");
  const args = ["run", "true", "--worker", "shell", "--state-dir", join(broken, "..")];
  const said = run(args);
  expect(said.status).toBe(0);
  expect(said.stderr.split("\n")[0]).toMatch(/^agentcore: .*spool.*\(.*\)$/);
  writeFileSync(join(broken, "p1.json"), "no result");
  const { stderr } = run([...args, "--json"]);
  expect(JSON.parse(stderr.split("\n")[0] ?? "")).toMatchObject({
    level: 50,
    msg: expect.stringContaining("spool"),
  });
});

describe("what Node compiled is kept", () => {
  const home = join(scratch.root, "home");
  const kept = join(home, ".cache/agentcore/compile-cache");
  const shared = join(scratch.root, "shared-tmp");
  beforeEach(() => {
    mkdirSync(home);
    mkdirSync(shared);
  });
  afterEach(() => {
    for (const path of [home, shared]) rmSync(path, { recursive: true });
  });
  /** Runs a command. Returns what was kept in the user's own directory and in the shared one. */
  function keptBy(env: Record<string, string> = {}) {
    const ran = run(["doctor", "--help"], { env: { HOME: home, TMPDIR: shared, ...env } });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(shared)).toEqual([]);
    return existsSync(kept) && lstatSync(kept).isDirectory() ? readdirSync(kept) : [];
  }

  it("in a directory that is the user's alone, whatever the umask", () => {
    for (const umask of [0, 0o777]) {
      const before = process.umask(umask);
      try {
        expect(keptBy()).not.toEqual([]);
      } finally {
        process.umask(before);
      }
      for (const path of [kept, join(kept, ".."), join(kept, "../..")])
        expect(statSync(path).mode & 0o777).toBe(0o700);
      rmSync(join(home, ".cache"), { recursive: true });
    }
    const cacheHome = join(home, "xdg");
    mkdirSync(cacheHome);
    keptBy({ XDG_CACHE_HOME: cacheHome });
    expect(readdirSync(join(cacheHome, "agentcore/compile-cache"))).not.toEqual([]);
  });

  it("nowhere, where others could write to it or replace it", () => {
    mkdirSync(kept, { recursive: true, mode: 0o700 });
    chmodSync(kept, 0o777);
    expect(keptBy()).toEqual([]);
    chmodSync(kept, 0o700);
    chmodSync(join(home, ".cache"), 0o777);
    expect(keptBy()).toEqual([]);
    chmodSync(join(home, ".cache"), 0o755);
    rmSync(kept, { recursive: true });
    mkdirSync(join(home, "planted"), { mode: 0o700 });
    symlinkSync(join(home, "planted"), kept);
    keptBy();
    expect(readdirSync(join(home, "planted"))).toEqual([]);
  });

  it.runIf(process.geteuid?.() === 0)("nowhere, where it or what is above it is another user's", () => {
    mkdirSync(kept, { recursive: true, mode: 0o700 });
    chownSync(kept, 2002, 2002);
    expect(keptBy()).toEqual([]);
    chownSync(kept, 0, 0);
    chownSync(home, 2002, 2002);
    expect(keptBy()).toEqual([]);
    rmSync(join(home, ".cache"), { recursive: true });
    keptBy();
    expect(readdirSync(home), "nor is anything made there").toEqual([]);
  });

  it("nowhere, where there is no home, which is not made", () => {
    keptBy({ HOME: join(home, "absent") });
    keptBy({ HOME: "" });
    expect(readdirSync(home)).toEqual([]);
  });
});

describe("the code of a run is kept", () => {
  const home = join(scratch.root, "home-of-runs");
  const kept = join(home, ".cache/agentcore/compile-cache");
  const codeFiles = () => readdirSync(kept).filter((name) => name.startsWith("code-"));
  beforeAll(() => mkdirSync(home));
  /** Runs a task. Returns what is kept: the file, with what tells whether it was written again. */
  function keptBy() {
    const ran = run(["run", "echo kept", "--worker", "shell"], { env: { HOME: home } });
    expect(ran).toMatchObject({ status: 0, stderr: "", stdout: expect.stringContaining("kept") });
    const [name = "", ...others] = codeFiles();
    expect(others).toEqual([]);
    const file = join(kept, name);
    const { ino, mode, size } = statSync(file);
    expect(mode & 0o777).toBe(0o600);
    return { file, ino, size };
  }

  it("by the first run, and used by the next", () => {
    const first = keptBy();
    expect(keptBy()).toEqual(first);
  });

  it("again, where it is damaged or V8 rejects it", () => {
    const { file, size } = keptBy();
    const whole = readFileSync(file);
    const flipped = Buffer.from(whole);
    flipped[Math.floor(size / 2)]! ^= 0xff;
    const otherV8 = Buffer.concat([Buffer.alloc(64), Buffer.alloc(4)]);
    otherV8.writeUInt32LE(crc32(otherV8.subarray(0, 64)), 64);
    for (const damaged of [Buffer.alloc(0), flipped, whole.subarray(0, size / 2), otherV8]) {
      writeFileSync(file, damaged);
      expect(keptBy().size).toBeGreaterThan(size / 2);
      expect(readFileSync(file)).not.toEqual(damaged);
    }
  });

  it("again after a day, with what the first run did not call", () => {
    const { file } = keptBy();
    rmSync(file);
    expect(run(["run", "--help"], { env: { HOME: home } }).status).toBe(0);
    const ofHelp = statSync(file);
    expect(keptBy()).toMatchObject({ ino: ofHelp.ino });
    const dayMs = 24 * 60 * 60 * 1000;
    utimesSync(file, ofHelp.atime, new Date(Date.now() - 1.1 * dayMs));
    const abandoned = join(kept, "code-of-another-version");
    writeFileSync(abandoned, "");
    utimesSync(abandoned, ofHelp.atime, new Date(Date.now() - 31 * dayMs));
    const whole = keptBy();
    // The old file is replaced while it still exists, so its number cannot come back.
    expect(whole.ino).not.toBe(ofHelp.ino);
    expect(whole.size).toBeGreaterThan(1.2 * ofHelp.size);
  });
});

it("its version needs nothing but the first file, and runs through a link as npm makes one", () => {
  const link = join(scratch.root, "agentcore");
  symlinkSync(bin, link);
  const { version } = JSON.parse(readFileSync(join(app, "package.json"), "utf8")) as { version: string };
  expect(execFileSync(link, ["--version"], { encoding: "utf8" })).toBe(`${version}\n`);
});

it("an old Node gets one clear line", () => {
  // The first file reads nothing but the version before it decides.
  const old = `Object.defineProperty(process.versions, "node", { value: "20.20.2" });`;
  const preload = join(scratch.root, "old.cjs");
  writeFileSync(preload, old);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", preload, bin, "run"], {
    encoding: "utf8",
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toBe(
    "agentcore: needs Node 22.13 or newer, and this is 20.20.2; install it from https://nodejs.org\n",
  );
});

it("a checkout that was not built says how to build it", () => {
  const bare = join(scratch.root, "bare");
  mkdirSync(bare);
  for (const name of ["bin", "package.json"]) cpSync(join(app, name), join(bare, name), { recursive: true });
  const { status, stderr } = spawnSync(process.execPath, [join(bare, "bin/agentcore.js"), "run"], {
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: "agentcore: this checkout is not built; run `npm start` once in its root\n",
  });
});
