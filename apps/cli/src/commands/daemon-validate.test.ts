import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const work = join(scratch.workspace, "work");
mkdirSync(work);
const put = (name: string, text: string): string => {
  writeFileSync(join(scratch.workspace, name), text);
  return name;
};
put(
  "work/ok.yaml",
  `name: ok\nversion: "1"\ntimeout: 1m\nsteps: { a: { worker: shell, capabilities: [read], instructions: "true" } }\n`,
);
put("work/bad.yaml", `name: bad\nversion: "1"\ntimeout: 10\nsteps: {}\n`);

const daemon = (workflow: string): string =>
  `name: d\nversion: "1"\nworkspace: work\nevents: { tick: { type: interval, every: 30s } }\ntriggers:\n  t: { on: tick, workflow: ${workflow} }\n`;

it("a daemon file that is valid is told with its size", async () => {
  const { code, stdout } = await agentcore(scratch, ["daemon", "validate", put("d.yaml", daemon("ok.yaml"))]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "d.yaml: valid: 1 event, 1 trigger\n" });
});

it("a workflow file that is missing has its place in the daemon file; the errors of one that is there have theirs", async () => {
  const missing = await agentcore(scratch, ["daemon", "validate", put("m.yaml", daemon("none.yaml"))]);
  expect(missing.code).toBe(2);
  expect(missing.stderr).toMatch(
    /m\.yaml:6:28: triggers\.t\.workflow: there is no workflow file .*none\.yaml/,
  );
  const wrong = await agentcore(scratch, ["daemon", "validate", put("w.yaml", daemon("bad.yaml"))]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/bad\.yaml:3:10: timeout/);
  expect(wrong.stderr).toMatch(/w\.yaml: 2 mistakes/);
});

it("a daemon file that is not there is named", async () => {
  const { code, stderr } = await agentcore(scratch, ["daemon", "validate", "gone.yaml"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/there is no daemon file .*gone\.yaml/);
});

it("the worker or profile of a gate is looked up, and in a script of a profile event values are never code", async () => {
  put(
    "work/agents.yaml",
    `version: "1"\nagents:\n  counter: { worker: shell, capabilities: [run_commands], base_instructions: "n=$(( 1 +" }\n`,
  );
  const gates = `
  missing: { on: tick, workflow: ok.yaml, evaluate: { worker: sehll, capabilities: [read], instructions: x } }
  unknown: { on: tick, workflow: ok.yaml, analyze: { agent: conter, instructions: x } }
  code: { on: tick, workflow: ok.yaml, evaluate: { agent: counter, instructions: "{{event.n}} ))" } }
`;
  const text = daemon("ok.yaml").replace(/triggers:.*$/s, `agents_file: agents.yaml\ntriggers:${gates}`);
  const file = put("gates.yaml", text);
  const { code, stderr } = await agentcore(scratch, ["daemon", "validate", file]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/gates\.yaml:7:\d+: triggers\.missing\.evaluate\.worker: .*sehll/);
  expect(stderr).toMatch(/gates\.yaml:8:\d+: triggers\.unknown\.analyze\.agent: .*counter/);
  expect(stderr).toMatch(/gates\.yaml:9:\d+: triggers\.code\.evaluate\.instructions: .*\{\{event\.n\}\}/);
  expect(stderr).toContain("gates.yaml: 3 mistakes");
  const started = await agentcore(scratch, ["daemon", "run", file]);
  expect(started.code).toBe(2);
  expect(started.stderr).toContain("triggers.missing.evaluate.worker");
});
