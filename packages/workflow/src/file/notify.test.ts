import { expect, it } from "vitest";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

async function parsed(...rules: readonly string[]) {
  const step = '{ worker: shell, instructions: "true", capabilities: [read] }';
  const list = rules.map((rule) => `  - ${rule}\n`).join("");
  const text = `name: w\nversion: "1"\ntimeout: 5m\nsecrets: [TOKEN]\ninputs: { to: {} }\nsteps:\n  a: ${step}\nnotify:\n${list}`;
  const result = await parseWorkflow({
    file: "/w/main.yaml",
    readFile: async (path) => (path === "/w/main.yaml" ? text : null),
  });
  if (result.ok) return result.workflow.notify;
  return result.problems.map((problem) => formatProblem(problem).replace("/w/main.yaml:", ""));
}

it("`notify` has a command or a webhook for events, with inputs and secrets", async () => {
  const command = "curl -d @$AGENTCORE_EVENT_FILE ${{ inputs.to }} ${{ secrets.TOKEN }}";
  expect(
    await parsed(
      `{ on: [failed, budget], command: "${command}" }`,
      '{ on: [approval], webhook: "https://host/${{ secrets.TOKEN }}" }',
    ),
  ).toEqual([
    { on: ["failed", "budget"], command, webhook: null, secrets: ["TOKEN"] },
    { on: ["approval"], command: null, webhook: "https://host/${{ secrets.TOKEN }}", secrets: ["TOKEN"] },
  ]);
});

it.each([
  ["neither", "{ on: [failed] }", "9:5: notify[0]: needs exactly one of command, webhook"],
  [
    "both",
    '{ on: [failed], command: x, webhook: "https://h" }',
    "9:5: notify[0]: needs exactly one of command, webhook",
  ],
  ["no event", "{ on: [], command: x }", expect.stringContaining("notify[0].on")],
  ["an unknown event", "{ on: [ended], command: x }", expect.stringContaining("notify[0].on[0]")],
  [
    "an unknown input",
    '{ on: [failed], command: "${{ inputs.too }}" }',
    expect.stringContaining('there is no input "too"'),
  ],
  [
    "an unknown secret",
    '{ on: [failed], command: "${{ secrets.TOKE }}" }',
    expect.stringContaining('the workflow has no secret "TOKE"; did you mean "TOKEN"?'),
  ],
  [
    "no URL",
    "{ on: [failed], webhook: slack }",
    expect.stringContaining("is not a URL that begins with https:// or http://"),
  ],
])("`notify` is refused with %s", async (_what, rule, problem) => {
  expect(await parsed(rule)).toEqual([problem]);
});
