/** A matrix from a list, with the real runtime: what shows it, and a process that is killed while its instances run. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  agentcore,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeAll(() => {
  scratch = makeScratch();
});
afterAll(() => scratch.remove());

const steps = `steps:
  list:
    worker: shell
    capabilities: [run_commands]
    outputs: [{ name: parts, value: true }]
    instructions: echo 'parts=["a", "b", "c"]' >> "$AGENTCORE_OUTPUT"
  each:
    worker: shell
    capabilities: [run_commands]
    depends_on: [list]
    matrix: { part: "\${{ steps.list.outputs.parts }}" }
    outputs: [{ name: done, value: true }]
    instructions: |
      echo "$AGENTCORE_MATRIX_PART" >> ran
      if [ "$AGENTCORE_MATRIX_PART" = b ]; then while [ ! -e go ]; do sleep 0.05; done; fi
      echo "done=\${{ matrix.part }}" >> "$AGENTCORE_OUTPUT"
  after:
    worker: shell
    capabilities: [run_commands]
    depends_on: [each]
    instructions: echo '\${{ steps.each.outputs.done }}' > after
`;

it("a run with a list that is killed goes on with the instances that were left, and everything shows them", async () => {
  const file = join(scratch.root, "lists.yaml");
  writeFileSync(file, `name: lists\nversion: "1"\ntimeout: 2m\nconcurrency: 1\n${steps}`);
  const graph = await agentcore(scratch, ["workflow", "graph", file]);
  expect(graph.stdout).toContain("× list");
  const dry = await agentcore(scratch, ["workflow", "run", file, "--dry-run"]);
  expect(dry.stdout).toContain("for each part in ${{ steps.list.outputs.parts }}");

  const first = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await first.saw("each[part=b]");
  const ran = (): string =>
    existsSync(join(scratch.workspace, "ran")) ? readFileSync(join(scratch.workspace, "ran"), "utf8") : "";
  while (ran() !== "a\nb\n") await new Promise((resolve) => setImmediate(resolve));
  first.child.kill("SIGKILL");
  await first.finished;
  const [{ run = "" } = {}] = jsonLinesOf(first.stdout()) as { run?: string }[];
  writeFileSync(join(scratch.workspace, "go"), "");
  const resumed = await agentcore(scratch, ["workflow", "resume", run, "--junit", "junit.xml"]);
  expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
  const instances = ["each[part=a]", "each[part=b]", "each[part=c]"];
  for (const id of instances) expect(resumed.stdout).toContain(id);
  expect(readFileSync(join(scratch.workspace, "after"), "utf8")).toBe('["a","b","c"]\n');
  expect(
    ran()
      .split("\n")
      .filter((part) => part === "a" || part === "c")
      .sort(),
  ).toEqual(["a", "c"]);

  const shown = jsonLinesOf((await agentcore(scratch, ["workflow", "show", run, "--json"])).stdout)[0] as {
    steps: { id: string }[];
  };
  expect(shown.steps.map(({ id }) => id)).toEqual(["list", ...instances, "after"]);
  const junit = readFileSync(join(scratch.workspace, "junit.xml"), "utf8");
  const page = await agentcore(scratch, ["workflow", "show", run, "--html"]);
  const listed = await agentcore(scratch, ["workflow", "show", run]);
  for (const id of instances) {
    expect(junit).toContain(id);
    expect(listed.stdout).toContain(id);
    expect(page.stdout).toContain(id);
  }
  const logs = await agentcore(scratch, ["workflow", "logs", run, "each"]);
  expect(logs.code).toBe(0);
  const list = jsonLinesOf((await agentcore(scratch, ["workflow", "list", "--json"])).stdout);
  expect(JSON.stringify(list)).toContain('"steps":5,"stepsEnded":5');
});
