import { expect, it } from "vitest";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

const head = 'name: w\nversion: "1"\ntimeout: 5m\n';
const work = "worker: shell, instructions: x, capabilities: []";
const steps = `steps: { a: { ${work} } }\n`;

/** The mistakes that name the place of the mark, and what else is wrong with the file. */
async function mistakesOf(marked: string): Promise<readonly string[]> {
  const result = await parseWorkflow({
    file: "/w/main.yaml",
    readFile: async (path) => (path === "/w/main.yaml" ? marked.replace("▸", "") : null),
  });
  return result.ok
    ? []
    : result.problems.map((problem) => formatProblem(problem).replace("/w/main.yaml:", ""));
}

it.each([
  [
    `concurrency: ▸{ group: x }\n${steps}`,
    "concurrency: is the number of steps at once; for one run at a time write concurrency_group: NAME",
  ],
  [
    `concurrency_group: { name: g, ▸cancel-in-progress: true }\n${steps}`,
    "concurrency_group.cancel-in-progress: unknown setting; write when_busy: cancel_other",
  ],
  [`notify: ▸./mail.sh\n${steps}`, 'notify: write notify: [{ on: [failed], command: "./mail.sh" }]'],
  [
    `notify: [{ on: ▸failed, command: x }]\n${steps}`,
    'notify[0].on: must be a list, not the text "failed"; write ["failed"]',
  ],
  [`budget: ▸5\n${steps}`, "budget: write budget: { cost_usd: 5 }"],
  [`inputs: { n: ▸number }\n${steps}`, 'inputs.n: write { type: "number" }'],
  [
    "steps:\n  ▸- name: a\n",
    "steps: is a list; write each step under an id of its own: steps: { build: { … } }",
  ],
  ['steps: { a: { approval: ▸"go on?" } }\n', 'steps.a.approval: write approval: { message: "go on?" }'],
  [`steps: { a: { ${work}, cache: ▸true } }\n`, "steps.a.cache: write cache: { key: [FILES] }"],
  [`steps: { a: { ${work}, if: ▸false } }\n`, "steps.a.if: must be a text, not false; write it in quotes"],
  [
    `steps: { a: { ${work} }, b: { ${work}, depends_on: ▸a } }\n`,
    'steps.b.depends_on: must be a list, not the text "a"; write ["a"]',
  ],
  [
    `steps: { a: { ${work} }, b: { ${work}, depends_on: ▸{ a: {} } } }\n`,
    'steps.b.depends_on: must be a list, not a mapping; write ["a"]',
  ],
  [
    `steps: { a: { ${work}, outputs: ▸{ v: x } } }\n`,
    "steps.a.outputs: must be a list, such as [{ name: NAME, path: FILE }] or [{ name: NAME, value: true }]",
  ],
  [
    `steps: { a: { ${work}, matrix: { exclude: [▸{ os: mac }] } } }\n`,
    "steps.a.matrix.exclude[0]: must be a text, a number, or true or false; all combinations of the lists run, without include and exclude",
  ],
  ['steps: { a: ▸"npm test" }\n', 'steps.a: must be a mapping of names to values, not the text "npm test"'],
  [
    'defaults: { worker: shell }\nsteps: { a: ▸"npm test" }\n',
    'steps.a: must be a mapping of names to values, not the text "npm test"',
  ],
  ["steps: { a: ▸[x] }\n", "steps.a: must be a mapping of names to values, not a list"],
  [
    `steps: { a: { ${work} } }\nfinally: { z: ▸"rm x" }\n`,
    'finally.z: must be a mapping of names to values, not the text "rm x"',
  ],
  [
    `steps: { a: { ${work}, outputs: [▸out.txt] } }\n`,
    'steps.a.outputs[0]: write { name: NAME, path: "out.txt" }',
  ],
])("%j is told with what to write in its place", async (rest, expected) => {
  const marked = head + rest;
  const before = marked.slice(0, marked.indexOf("▸")).split("\n");
  const place = `${before.length}:${(before.at(-1) ?? "").length + 1}`;
  expect(await mistakesOf(marked)).toEqual([`${place}: ${expected}`]);
});
