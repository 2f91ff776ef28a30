/**
 * Random edits in worktrees of steps, some of them while the workspace is edited too. What a step did is in the workspace in
 * bytes and modes and nothing else changed, or the step failed and nothing changed. Repeat with AGENTCORE_SEED.
 */
import { patienceMs, seededRandom, testSeed } from "@agentcore/contract/testing";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createWorktreeRig, filesIn, type WorktreeRig } from "../testing/worktree-rig.ts";
import { absolutePath, directoriesAbove } from "./git-path.ts";

const seed = testSeed("random edits in worktrees");
const rounds = 12;

let rig: WorktreeRig;
beforeEach(() => {
  rig = createWorktreeRig();
});
afterEach(() => rig.close());

const names = [
  "log",
  "a.txt",
  "-dash",
  "caf\xe9",
  "new\nline",
  "d",
  "d/x",
  "d/y",
  "d/e/z",
  "e/f",
  ".gitattributes",
];
const lines = ["tick\n", "tick\n", "- ok\n", "other\n", "crlf\r\n", "no newline", "\0\xff binary\n"];

type Random = ReturnType<typeof seededRandom>;
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random.next() * from.length)] as T;

/** The entry at the path; nothing is below a file or a link. */
function look(root: string, path: string): Stats | undefined {
  const isDirectory = (above: string) =>
    lstatSync(absolutePath(root, above), { throwIfNoEntry: false })?.isDirectory() === true;
  return directoriesAbove(path).every(isDirectory)
    ? lstatSync(absolutePath(root, path), { throwIfNoEntry: false })
    : undefined;
}

/** Removes what is in the way of the path, and the entry at it, unless that is a file to keep. */
function makeRoom(root: string, path: string, keepsFile: boolean): void {
  for (const above of directoriesAbove(path)) {
    const found = look(root, above);
    if (found?.isDirectory() === false) rmSync(absolutePath(root, above));
    if (found?.isDirectory() !== true) mkdirSync(absolutePath(root, above));
  }
  const found = look(root, path);
  if (found !== undefined && !(keepsFile && found.isFile()))
    rmSync(absolutePath(root, path), { recursive: true });
}

function edit(random: Random, root: string): void {
  const name = pick(random, names);
  const path = absolutePath(root, name);
  const found = look(root, name);
  const text = found?.isFile() === true ? readFileSync(path, "latin1") : null;
  const write = (content: string): void => {
    makeRoom(root, name, true);
    writeFileSync(path, Buffer.from(content, "latin1"));
  };
  // The attributes of a repository are lines of their own kind.
  const line = name === ".gitattributes" ? "* text=auto\n" : pick(random, lines);
  const kind = pick(random, [
    "append",
    "append",
    "drop",
    "insert",
    "mode",
    "remove",
    "link",
    "empty",
  ] as const);
  if (kind === "append") return write((text ?? "") + line);
  if (kind === "empty") return write("");
  if (kind === "remove") return found === undefined ? undefined : rmSync(path, { recursive: true });
  if (kind === "link") {
    if (name === ".gitattributes") return;
    makeRoom(root, name, false);
    return symlinkSync(pick(random, ["a.txt", "d", "/nowhere"]), path);
  }
  if (text === null || found === undefined) return;
  if (kind === "insert") return write(line + text);
  if (kind === "mode") return chmodSync(path, (found.mode & 0o100) === 0 ? 0o755 : 0o644);
  const all = text.split("\n");
  all.splice(Math.floor(random.next() * all.length), 1);
  write(all.join("\n"));
}

function editSome(random: Random, root: string): void {
  for (let count = 1 + Math.floor(random.next() * 8); count > 0; count--) edit(random, root);
}

/** The changes between two states, by path. */
function difference(from: Readonly<Record<string, string>>, to: Readonly<Record<string, string>>) {
  const paths = new Set([...Object.keys(from), ...Object.keys(to)]);
  return new Map(
    [...paths].filter((path) => from[path] !== to[path]).map((path) => [path, to[path]] as const),
  );
}

/** The number of lines of each kind; for files that both changed. */
function countOf(text: string | undefined, line: string): number {
  return (text ?? "")
    .replace(/^(?:file|program) /, "")
    .replaceAll("\r\n", "\n")
    .split(/(?<=\n)/)
    .filter((one) => one === line).length;
}

it(
  `what a step did is in the workspace, or it failed (AGENTCORE_SEED=${seed})`,
  async () => {
    const random = seededRandom(seed);
    for (let n = 0; n < 10; n++) edit(random, rig.workspace);
    const counts = { alone: 0, merged: 0, refused: 0 };
    for (let round = 0; round < rounds; round++) {
      const step = await rig.begin(`step-${round}`);
      const before = filesIn(rig.workspace);
      // With other line endings, if the repository converts them.
      const begun = filesIn(step.path);
      editSome(random, step.path);
      // Sometimes both make the same change, which must not be merged as one.
      const same = round % 4 === 1 ? random.next() * 2 ** 31 : null;
      if (same !== null) edit(seededRandom(same), step.path);
      const theirs = filesIn(step.path);
      const isAlone = round % 2 === 0;
      if (same !== null) edit(seededRandom(same), rig.workspace);
      else if (!isAlone) editSome(random, rig.workspace);
      const ours = filesIn(rig.workspace);
      const refusal = await step.merge().then(
        () => null,
        (error: unknown) => String(error),
      );
      const after = filesIn(rig.workspace);
      const context = { round, seed };
      if (refusal !== null) {
        counts.refused += 1;
        expect({ ...context, refusal, isAlone }).toEqual({ ...context, refusal, isAlone: false });
        expect({ ...context, refusal, after }).toEqual({ ...context, refusal, after: ours });
      } else {
        counts[isAlone ? "alone" : "merged"] += 1;
        const wanted: Record<string, string | undefined> = { ...ours };
        const [byThem, byUs] = [difference(begun, theirs), difference(before, ours)];
        for (const [path, text] of byThem) wanted[path] = byUs.has(path) ? after[path] : text;
        expect({ ...context, after }).toEqual({ ...context, after: JSON.parse(JSON.stringify(wanted)) });
        for (const [path, text] of byThem) {
          if (!byUs.has(path) || ours[path] === undefined || text === undefined || text.startsWith("link"))
            continue;
          for (const line of new Set(lines.map((one) => one.replace("\r\n", "\n")))) {
            const count = countOf(ours[path], line) + countOf(text, line) - countOf(begun[path], line);
            expect({ ...context, path, line, count: countOf(after[path], line) }).toEqual({
              ...context,
              path,
              line,
              count,
            });
          }
        }
      }
      await step.discard(refusal === null);
    }
    expect(counts.alone).toBe(rounds / 2);
    expect(readdirSync(rig.workspace)).toContain(".git");
  },
  patienceMs(60_000),
);
