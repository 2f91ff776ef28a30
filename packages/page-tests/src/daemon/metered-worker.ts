/**
 * A worker that reaches the scripted model server through the spend gate, and the configuration that names it. It says one JSON
 * line for each thing that it does, and goes on when a file with the name of the next one is in its workspace.
 */

/** The key of the provider. The worker must never see it. */
export const providerKey = "the-key-of-the-provider";

/** What the program does, in this order: a call, a tool, the same call again and again, its end, and its exit. */
const program = `import { existsSync, writeFileSync } from "node:fs";
const { HOUSE_URL, HOUSE_KEY } = process.env;
writeFileSync("gate.json", JSON.stringify({ url: HOUSE_URL, key: HOUSE_KEY }));
const say = (event) => process.stdout.write(JSON.stringify(event) + "\\n");
const permission = async (name) => {
  while (!existsSync(name)) await new Promise((resolve) => setTimeout(resolve, 20));
};
async function call(content) {
  const body = { model: "claude-sonnet-5", max_tokens: 4000, stream: true, messages: [{ role: "user", content }] };
  const headers = { "x-api-key": HOUSE_KEY, "content-type": "application/json" };
  const answer = await fetch(HOUSE_URL + "/v1/messages", { method: "POST", headers, body: JSON.stringify(body) });
  await answer.text();
  if (!answer.ok) process.exit(1);
}
await call("first");
say({ tool: "npm test" });
await permission("tool-ends");
say({ done: "npm test" });
for (let time = 0; time < 7; time += 1) await call("again");
say({ end: true });
await permission("exits");
`;

const adapter = `const unknown = { inputTokens: null, cachedInputTokens: null, outputTokens: null };
const eventsOf = ({ tool, done, end }) => {
  if (tool) return [{ type: "tool_call", id: "t", tool: "shell", command: tool, summary: "" }];
  if (done) return [{ type: "tool_result", id: "t", ok: true, exitCode: 0, summary: "" }];
  return end ? [{ type: "ended" }] : [];
};
export default {
  contractVersion: 1, name: "house", title: "House agent", provider: "anthropic", capabilities: ["read", "edit"],
  program: { command: "node", versionArgs: ["--version"], install: "-", credentialEnv: ["HOUSE_KEY"], loginPaths: [] },
  spendGateUpstream: (task, { hostEnv, settings }) => ({
    provider: "anthropic", protocol: "anthropic-messages", baseUrl: settings.base_url,
    credential: { kind: "header", name: "x-api-key", value: hostEnv.HOUSE_KEY },
  }),
  plan: (task, { program, spendGate }) => ({
    command: program, args: ["house-agent.mjs"], stdin: "", home: "own",
    env: { HOUSE_KEY: spendGate.key, HOUSE_URL: spendGate.url },
  }),
  createReader: () => ({
    stdout: (text) => eventsOf(JSON.parse(text)),
    stderr: () => [],
    end: () => ({ terminal: "success", error: null, deniedTools: [], summary: "all calls were answered", session: null,
      model: null, usage: unknown, costUsd: null, costBasis: "none", malformedLines: 0 }),
  }),
};
`;

export const meteredWorkerFiles: Readonly<Record<string, string>> = {
  "house-agent.mjs": program,
  "house.mjs": adapter,
};

/** `url`: of the model server. */
export const meteredWorkerConfig = (url: string): string => `limits:
  global: { cost_usd: { day: 5 } }
prices: { claude-sonnet-5: { input: 3, output: 15 } }
workers:
  house: { adapter: ./house.mjs, program: "${process.execPath}", settings: { base_url: "${url}" } }
`;
