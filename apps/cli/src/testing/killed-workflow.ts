/** The workflow that is killed again and again: 30 steps with loops and sub-workflows, each keeping a ledger of its runs. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Each script says when it begins, takes a moment, and leaves a file whose content only depends on its place. */
function step(
  id: string,
  dependsOn: readonly string[],
  options: { loops?: boolean; ledger?: string } = {},
): string {
  const name = options.ledger ?? id;
  const check = `    max_iterations: 5\n    completion_check:\n      worker: shell\n      capabilities: [read]\n      instructions: test $(cat ${name}.n) -ge 3\n`;
  return [
    `  ${id}:`,
    "    worker: shell",
    "    capabilities: [edit]",
    `    depends_on: [${dependsOn.join(", ")}]`,
    "    instructions: |",
    `      echo "${name} $AGENTCORE_ITERATION" >> "$LEDGER_DIR/ledger"`,
    "      sleep 0.1",
    `      echo "$AGENTCORE_ITERATION" > ${name}.n`,
    `      echo "made by ${name} in $AGENTCORE_ITERATION" > ${name}.out`,
    "    outputs:",
    `      - { name: out, path: ${name}.out }`,
    options.loops === true ? check : "",
  ]
    .join("\n")
    .replaceAll("$LEDGER_DIR/", "");
}

function sub(id: string, dependsOn: readonly string[]): string {
  return `  ${id}:\n    workflow: ./${id}.yaml\n    depends_on: [${dependsOn.join(", ")}]\n    exports:\n      - { from: last, artifact: out }\n`;
}

const head = (name: string): string => `name: ${name}\nversion: "1"\ntimeout: 10m\nconcurrency: 4\nsteps:\n`;

export const stepCount = 30;

/** Writes the files and answers the path of the outer one. */
export function writeKilledWorkflow(directory: string): string {
  const width = 5;
  const texts = Array.from({ length: stepCount }, (_unused, index) => {
    const above =
      index < width ? [] : [`s${index - width}`, `s${index - width + ((index + 1) % width === 0 ? 0 : 1)}`];
    const dependsOn = [...new Set(above)];
    if (index === 12 || index === 23) {
      const inner =
        head("inner") +
        step("first", [], { ledger: `s${index}-first` }) +
        "\n" +
        step("last", ["first"], { ledger: `s${index}-last`, loops: true });
      writeFileSync(join(directory, `s${index}.yaml`), inner);
      return sub(`s${index}`, dependsOn);
    }
    return step(`s${index}`, dependsOn, { loops: index % 7 === 3 });
  });
  const file = join(directory, "outer.yaml");
  writeFileSync(file, head("outer") + texts.join("\n"));
  return file;
}

export function makeWorkspace(root: string, name: string): string {
  const workspace = join(root, name);
  mkdirSync(workspace);
  return workspace;
}

/** Lines such as `s3 2`: step and iteration, in the order in which they began. */
export function readLedger(workspace: string): readonly string[] {
  return readFileSync(join(workspace, "ledger"), "utf8").split("\n").filter(Boolean);
}

/** Content of every artifact by path; records of runs and steps are left out. */
export function readArtifacts(workspace: string): Readonly<Record<string, string>> {
  const contextDir = join(workspace, "context");
  const files = readdirSync(contextDir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.endsWith(".json"));
  return Object.fromEntries(
    paths.sort().map((path) => [relative(contextDir, path), readFileSync(path, "utf8")]),
  );
}
