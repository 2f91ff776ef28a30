/**
 * The workflow that is killed again and again: 30 steps with loops, two sub-workflows and two worktrees. Every piece of work
 * notes in a ledger that it begins, and leaves files whose content only depends on its place in the workflow.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ifMissing } from "@agentcore/contract";

const stepCount = 30;
const concurrency = 4;
export const subWorkflows: readonly number[] = [12, 23];
const worktrees: readonly number[] = [9, 21];
const width = 5;

interface StepOptions {
  readonly id: string;
  /** Its name in the ledger and in file names. */
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly loops: boolean;
  readonly isolated: boolean;
  /** In the command line of a process that each piece of work leaves behind, deaf to TERM. */
  readonly token: string;
}

function stepText({ id, name, dependsOn, loops, isolated, token }: StepOptions): string {
  return [
    `  ${id}:`,
    "    worker: shell",
    "    capabilities: [edit]",
    `    depends_on: [${dependsOn.join(", ")}]`,
    "    instructions: |",
    `      echo "${name} $AGENTCORE_ITERATION" >> "\${AGENTCORE_CONTEXT_DIR%%/context*}/ledger"`,
    `      (trap '' TERM; exec -a ${token} sleep 300) > /dev/null 2>&1 &`,
    "      sleep 0.1",
    `      echo "$AGENTCORE_ITERATION" > ${name}.n`,
    `      echo "made by ${name} in $AGENTCORE_ITERATION" > ${name}.out`,
    "    outputs:",
    `      - { name: out, path: ${name}.out }`,
    ...(isolated ? ["    isolation: worktree"] : []),
    ...(loops
      ? [
          "    max_iterations: 5",
          "    completion_check:",
          "      worker: shell",
          "      capabilities: [read]",
          `      instructions: test $(cat ${name}.n) -ge 3`,
        ]
      : []),
  ].join("\n");
}

function subText(id: string, dependsOn: readonly string[]): string {
  return [
    `  ${id}:`,
    `    workflow: ./${id}.yaml`,
    "    bubble_subworkflow_events: true",
    `    depends_on: [${dependsOn.join(", ")}]`,
    "    exports:",
    "      - { from: last, artifact: out }",
  ].join("\n");
}

const fileText = (name: string, steps: readonly string[]): string =>
  `name: ${name}\nversion: "1"\ntimeout: 60m\nconcurrency: ${concurrency}\nsteps:\n${steps.join("\n")}\n`;

/** Writes the files and answers the path of the outer one. */
export function writeKilledWorkflow(directory: string, token: string): string {
  const plain = { loops: false, isolated: false, token };
  const steps = Array.from({ length: stepCount }, (_unused, index) => {
    const id = `s${index}`;
    const beside = (index + 1) % width === 0 ? index - width : index - width + 1;
    const dependsOn = index < width ? [] : [...new Set([`s${index - width}`, `s${beside}`])];
    if (!subWorkflows.includes(index)) {
      const isolated = worktrees.includes(index);
      return stepText({ ...plain, id, name: id, dependsOn, loops: index % 7 === 3, isolated });
    }
    const inner = [
      stepText({ ...plain, id: "first", name: `${id}-first`, dependsOn: [] }),
      stepText({ ...plain, id: "last", name: `${id}-last`, dependsOn: ["first"], loops: true }),
    ];
    writeFileSync(join(directory, `${id}.yaml`), fileText(id, inner));
    return subText(id, dependsOn);
  });
  const file = join(directory, "outer.yaml");
  writeFileSync(file, fileText("outer", steps));
  return file;
}

/** A repository with one commit, on a branch that nobody protects. */
export function makeRepository(directory: string): string {
  mkdirSync(directory);
  writeFileSync(join(directory, ".gitignore"), "/context/\n");
  const git = (...args: string[]): unknown => execFileSync("git", args, { cwd: directory });
  git("init", "--quiet", "--initial-branch=work");
  git("add", ".gitignore");
  git("-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--message=start");
  return directory;
}

/** Lines such as `s3 2`: piece of work by name and iteration, in the order in which they began. */
export function readLedger(workspace: string): readonly string[] {
  return textOr(join(workspace, "ledger"), "").split("\n").filter(Boolean);
}

/** Content of every file that the workflow made, by path; of its records only what must be the same each time. */
export function readArtifacts(workspace: string): Readonly<Record<string, string>> {
  const files = readdirSync(workspace, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => relative(workspace, path).split("/")[0] !== ".git" && !path.endsWith("/ledger"))
    // What a killed process left of a write; a later write removes it after an hour.
    .filter((path) => !path.includes("/.agentcore-new-"));
  return Object.fromEntries(
    files.sort().map((path) => [relative(workspace, path), contentOf(path, readFileSync(path, "utf8"))]),
  );
}

const sameEachTime = ["name", "state", "steps", "id", "status", "iterations", "artifacts"];

function contentOf(path: string, text: string): string {
  if (!path.endsWith(".json")) return text;
  const record = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify(sameEachTime.map((key) => record[key] ?? null));
}

function textOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return ifMissing(otherwise)(error);
  }
}

/** Paths of files that are missing, more, or of other content. */
export function differences(
  expected: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): string[] {
  const paths = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...paths].filter((path) => expected[path] !== found[path]).sort();
}
