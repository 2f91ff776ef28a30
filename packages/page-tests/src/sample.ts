/**
 * Writes the files that are looked at: a workflow that has everything a picture can show, with names that try to be markup,
 * before and after a real run of it. The command line makes them, as its users would.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const main = fileURLToPath(new URL("../../../apps/cli/src/main.ts", import.meta.url));

/** What stands where a name may be anything. */
export const nastyName = `<script>window.pwned = "name"</script> & "release"`;

const release = `
name: ${JSON.stringify(nastyName)}
version: "1"
description: Builds, tests and <b>releases</b>.
timeout: 5m
concurrency: 4
inputs:
  deploy: { type: boolean, default: false }
steps:
  build:
    worker: shell
    description: </title><script>window.pwned = "title"</script>
    capabilities: [edit]
    instructions: echo '</pre><script>window.pwned = "instructions"</script>' > built.txt
  unit:
    worker: shell
    capabilities: [run_tests]
    depends_on: [build]
    matrix: { node: ["20", "22", "24"], os: [linux] }
    instructions: test "\${{ matrix.node }}" != 22
    on_failure: continue
  implement:
    worker: shell
    depends_on: [build]
    capabilities: [edit]
    instructions: echo $AGENTCORE_ITERATION > n
    completion_check: { worker: shell, capabilities: [read], instructions: test $(cat n) = 3 }
    max_iterations: 100
    on_iterations_exhausted: continue
  explain:
    worker: shell
    depends_on: [unit]
    if: steps.unit.status == 'FAILED'
    capabilities: [read]
    instructions: "true"
  inner:
    workflow: ./inner.yaml
    depends_on: [implement, unit]
  deploy:
    worker: shell
    if: inputs.deploy
    depends_on: [inner, explain, implement]
    capabilities: [run_commands]
    instructions: "true"
    verify: "true"
  a-step-whose-id-is-so-long-that-it-cannot-be-shown-whole: { worker: shell, capabilities: [read], instructions: "true" }
  alone: { worker: shell, capabilities: [read], instructions: "true" }
`;

const inner = `
name: the inner part
version: "1"
timeout: 1m
steps:
  one: { worker: shell, capabilities: [read], instructions: "true" }
  two: { worker: shell, capabilities: [read], instructions: "true", depends_on: [one] }
  three: { worker: shell, capabilities: [read], instructions: "true", depends_on: [one] }
`;

export interface Sample {
  /** A page of the file alone, and one of its run. */
  readonly pages: readonly string[];
  readonly pictures: readonly string[];
}

export async function writeSample(folder: string): Promise<Sample> {
  const workspace = join(folder, "workspace");
  await mkdir(workspace);
  await writeFile(join(folder, "release.yaml"), release);
  await writeFile(join(folder, "inner.yaml"), inner);
  const agentcore = async (...args: string[]): Promise<string> => {
    const command = ["--conditions=@agentcore/source", main, "workflow", ...args];
    const env = { XDG_STATE_HOME: join(folder, "state") };
    return (await execa(process.execPath, command, { cwd: folder, env })).stdout;
  };
  await agentcore("graph", "release.yaml", "--html", "file.html", "--svg", "file.svg");
  await agentcore("run", "release.yaml", "--workspace", workspace);
  await agentcore("show", "--last", "--html", "run.html", "--svg", "run.svg");
  const at = (name: string): string => join(folder, name);
  return { pages: [at("file.html"), at("run.html")], pictures: [at("file.svg"), at("run.svg")] };
}
