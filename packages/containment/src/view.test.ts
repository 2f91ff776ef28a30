import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openContainment, type OpenedContainment } from "./index.ts";
import { availableImplementations } from "./testing/available.ts";
import { planView } from "./view.ts";

/** A state directory and a workspace beside it, with names that a shell or a table of mounts could misread. */
let place: string;
let state: string;
let workspace: string;
beforeEach(() => {
  place = mkdtempSync(path.join(tmpdir(), "agentcore-view-"));
  state = path.join(place, "it's # a\\state $(dir)\n");
  workspace = path.join(place, "work");
  for (const each of [workspace, "runs", "attempts/1/home", "attempts/1/tmp", "attempts/2/home", "trees/one"])
    mkdirSync(path.resolve(state, each), { recursive: true });
  writeFileSync(path.join(state, "state.db"), "ledger");
  writeFileSync(path.join(state, "attempts/2/home/session"), "secret");
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const own = (name: string): string => path.join(state, "attempts/1", name);

let runs = 0;
interface Seen {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function shell(
  containment: OpenedContainment,
  script: string,
  more: { cwd?: string; visible?: readonly string[]; args?: readonly string[] } = {},
): Promise<Seen> {
  runs += 1;
  const run = await containment.start({
    command: "/bin/sh",
    args: ["-c", script, "sh", ...(more.args ?? [state])],
    cwd: more.cwd ?? workspace,
    env: { PATH: process.env.PATH ?? "" },
    marker: `view-${process.pid}-${runs}`,
    visible: more.visible ?? [],
  });
  let [stdout, stderr] = ["", ""];
  run.stdout.on("data", (chunk) => (stdout += String(chunk)));
  run.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const closed = Promise.all([once(run.stdout, "close"), once(run.stderr, "close")]);
  run.go();
  const { code } = await run.exited;
  await Promise.all([run.finish(), closed]);
  return { code, stdout, stderr };
}

const hiding = (await availableImplementations()).filter(({ level }) => level === "sealed");

describe.each(hiding)("$implementation", ({ implementation }) => {
  const open = (hidden: string): Promise<OpenedContainment> =>
    openContainment({ implementation, hidden: [hidden] });

  it("a worker neither sees nor changes a hidden directory, but for what is its own", async () => {
    const containment = await open(state);
    const script = 'ls -A "$1" "$1/attempts" "$1/attempts/1"; echo hi >"$1/attempts/1/home/mine"; pwd';
    const seen = await shell(containment, script, { visible: [own("home"), own("tmp")] });
    expect(seen.stdout).toBe(
      `${state}:\nattempts\n\n${state}/attempts:\n1\n\n${state}/attempts/1:\nhome\ntmp\n${workspace}\n`,
    );
    expect(readFileSync(own("home/mine"), "utf8")).toBe("hi\n");
    for (const attempt of [
      'echo >"$1/runs/planted.json"',
      'mkdir "$1/spool"',
      'echo >"$1/attempts/1/stdout.log"',
      'mv "$1" "$1.old"',
      'cd ..; mv "$PWD" "$PWD.old"',
    ])
      expect(await shell(containment, attempt, { visible: [own("home")] })).not.toMatchObject({ code: 0 });
    expect(readdirSync(state).toSorted()).toEqual(["attempts", "runs", "state.db", "trees"]);
    expect(readdirSync(path.join(state, "runs"))).toEqual([]);
  });

  it("a directory that leads to the hidden one cannot be moved away and replaced", async () => {
    const inner = path.join(workspace, "a/b/state");
    mkdirSync(inner, { recursive: true });
    writeFileSync(path.join(inner, "state.db"), "ledger");
    const containment = await open(inner);
    // `mv` copies what it cannot rename.
    const script =
      "cat a/b/state/state.db; mv a c; mv a/b c; mkdir -p a/b/state/runs; ls -A a/b/state; echo ok >a/b/mine";
    const seen = await shell(containment, script);
    expect(seen).toMatchObject({ code: 0, stdout: "" });
    expect(readdirSync(inner)).toEqual(["state.db"]);
    expect(existsSync(path.join(workspace, "a/b/mine"))).toBe(true);
  });

  it("a working directory below the hidden one is there, and nothing beside it", async () => {
    const tree = path.join(state, "trees/one");
    const seen = await shell(await open(state), "pwd; echo hi >mine; ls -A .. ../..; cat ../../state.db", {
      cwd: tree,
    });
    expect(seen.stdout).toBe(`${tree}\n..:\none\n\n../..:\ntrees\n`);
    expect(readFileSync(path.join(tree, "mine"), "utf8")).toBe("hi\n");
  });

  it("a hidden directory that is named by a symbolic link is hidden under both names", async () => {
    const link = path.join(place, "link");
    symlinkSync(state, link);
    const visible = [path.join(link, "attempts/1/home")];
    const script = 'cat "$1/state.db" "$2/state.db"; echo hi >"$2/attempts/1/home/mine"; ls -A "$2"';
    const seen = await shell(await open(link), script, { visible, args: [state, link] });
    expect(seen.stdout).toBe("attempts\n");
    expect(existsSync(own("home/mine"))).toBe(true);
  });

  it("a link to a directory of an earlier run shows that directory alone", async () => {
    rmSync(own("home"), { recursive: true });
    const earlier = path.join(state, "attempts/2/home");
    symlinkSync(earlier, own("home"));
    const script = 'cat "$1/session"; cd "$1" && pwd -P; ls -A "$2/attempts/2"';
    const seen = await shell(await open(state), script, {
      visible: [own("home")],
      args: [own("home"), state],
    });
    expect(seen).toEqual({ code: 0, stdout: `secret${earlier}\nhome\n`, stderr: "" });
  });

  it("a directory that is hidden below a visible one, or below another hidden one, is hidden too", async () => {
    const tree = path.join(state, "trees/one");
    mkdirSync(path.join(tree, "inner/own"), { recursive: true });
    writeFileSync(path.join(tree, "inner/secret"), "");
    const hidden = [state, path.join(state, "runs"), path.join(tree, "inner")];
    const containment = await openContainment({ implementation, hidden });
    const script =
      '(cd "$1" && find . | sort); echo hi >inner/own/mine && ! echo >inner/planted && ! echo >"$1/runs/planted"';
    const seen = await shell(containment, script, { cwd: tree, visible: [path.join(tree, "inner/own")] });
    const below = ["./runs", "./trees", "./trees/one", "./trees/one/inner", "./trees/one/inner/own"];
    expect(seen).toMatchObject({ code: 0, stdout: [".", ...below, ""].join("\n") });
    expect(readFileSync(path.join(tree, "inner/own/mine"), "utf8")).toBe("hi\n");
  });

  it("the umask of a worker is the one of this process", async () => {
    const before = process.umask(0o027);
    try {
      expect((await shell(await open(state), "umask")).stdout).toBe("0027\n");
    } finally {
      process.umask(before);
    }
  });
});

it("a process group says that it hides nothing", async () => {
  const containment = await openContainment({ implementation: "process-group", hidden: [state] });
  expect(containment.hides).toBe(false);
  expect((await shell(containment, 'cat "$1/state.db"')).stdout).toBe("ledger");
});

it("what is hidden itself is no working directory, and what is not there cannot be shown", () => {
  expect(() => planView([state], { cwd: state })).toThrow(/hidden from workers/);
  expect(() => planView([state], { cwd: workspace, visible: [own("nowhere")] })).toThrow(/cannot be shown/);
});

it("a hidden directory that does not exist changes nothing", () => {
  expect(planView([path.join(place, "nowhere")], { cwd: workspace })).toEqual([]);
});
