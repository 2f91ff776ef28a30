/** A worker that calls its provider over HTTP, the adapter of it, and a provider on loopback: for runs through the spend gate. */
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Scratch } from "./agentcore-process.ts";

/** The caller's real credential. */
export const realKey = "sk-real-key-of-the-caller";

/** What the provider charges for one response of {@link startProvider} with `claude-sonnet-4-5`. */
export const responseUsage = { inputTokens: 1000, outputTokens: 100, costUsd: 0.0045 };

export interface TestProvider extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  }[];
}

/** Answers every request as the Messages API does, with the same usage; a request for a stream with text that does not end. */
export async function startProvider(): Promise<TestProvider> {
  const requests: { path: string; headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      requests.push({ path: request.url ?? "", headers: request.headers, body });
      if (body.includes('"stream":true')) {
        streamWords(response);
        return;
      }
      const { inputTokens: input_tokens, outputTokens: output_tokens } = responseUsage;
      const message = {
        id: `msg_${requests.length}`,
        type: "message",
        role: "assistant",
        model: "claude-sonnet-4-5",
        content: [{ type: "text", text: "hello" }],
        stop_reason: "end_turn",
        usage: { input_tokens, output_tokens },
      };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(message));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A response that goes on until its connection is closed. */
function streamWords(response: ServerResponse): void {
  const send = (type: string, rest: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`);
  };
  response.writeHead(200, { "content-type": "text/event-stream" });
  const usage = { input_tokens: responseUsage.inputTokens, output_tokens: 1 };
  const message = { id: "msg", type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [] };
  send("message_start", { message: { ...message, stop_reason: null, usage } });
  send("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  const delta = { type: "text_delta", text: "some more words of an answer " };
  const timer = setInterval(() => send("content_block_delta", { index: 0, delta }), 20);
  response.on("close", () => clearInterval(timer));
}

/** Asks its provider as often as its instructions say, then once for a stream if they end with `stream`, and goes on whatever the answer is. */
const program = `#!${process.execPath}
import { readFileSync, writeFileSync } from "node:fs";
const { HOUSE_URL, HOUSE_KEY } = process.env;
writeFileSync("environ.txt", readFileSync("/proc/self/environ"));
const asked = readFileSync(0, "utf8");
const streams = asked.endsWith("stream");
const times = (parseInt(asked) || 0) + (streams ? 1 : 0);
const content = "word ".repeat(300);
for (let at = 1; at <= times; at += 1) {
  const stream = streams && at === times;
  const body = JSON.stringify({ model: "claude-sonnet-4-5", max_tokens: 4000, stream, messages: [{ role: "user", content: at + content }] });
  const headers = { "x-api-key": HOUSE_KEY, "content-type": "application/json" };
  const answer = await fetch(HOUSE_URL + "/v1/messages", { method: "POST", headers, body });
  console.log(answer.status + " " + (await answer.text()).slice(0, 200));
}
`;

const adapter = (
  usesGate: boolean,
): string => `const unknown = { inputTokens: null, cachedInputTokens: null, outputTokens: null };
export default {
  contractVersion: 1, name: "house", title: "House agent", provider: "anthropic", capabilities: ["read", "edit"],
  program: { command: "house-agent", versionArgs: [], install: "-", credentialEnv: ["HOUSE_KEY"], loginPaths: [] },
  ${usesGate ? "spendGateUpstream: upstream," : ""}
  plan: (task, { program, spendGate, hostEnv, settings }) => ({
    command: program, args: [], stdin: task.instructions, home: "own",
    env: spendGate
      ? { HOUSE_KEY: spendGate.key, HOUSE_URL: spendGate.url }
      : { HOUSE_KEY: hostEnv.HOUSE_KEY ?? "", HOUSE_URL: settings.base_url },
  }),
  createReader: () => ({
    stdout: (text) => [{ type: "text", text }],
    stderr: () => [],
    end: () => ({ terminal: "not-applicable", error: null, deniedTools: [], summary: "done", session: null,
      model: null, usage: unknown, costUsd: null, costBasis: "none", malformedLines: 0 }),
  }),
};
function upstream(task, { hostEnv, settings }) {
  const value = hostEnv.HOUSE_KEY;
  if (!value) return null;
  const credential = { kind: "header", name: "x-api-key", value };
  return { provider: "anthropic", protocol: "anthropic-messages", baseUrl: settings.base_url, credential };
}
`;

export interface MeteredWorkerOptions {
  /** Of the provider. */
  readonly url: string;
  /** More lines of the configuration. */
  readonly settings?: string;
  /** Default: true. */
  readonly usesGate?: boolean;
}

/** Writes the worker `house`, and returns the options that name its configuration. */
export function makeMeteredWorker(scratch: Scratch, options: MeteredWorkerOptions): readonly string[] {
  const { url, settings = "", usesGate = true } = options;
  const agent = join(scratch.root, "house-agent.mjs");
  writeFileSync(agent, program);
  chmodSync(agent, 0o755);
  writeFileSync(join(scratch.root, "house.js"), adapter(usesGate));
  writeFileSync(join(scratch.root, "package.json"), '{ "type": "module" }');
  const config = join(scratch.root, "agentcore.yaml");
  const worker = `{ adapter: ./house.js, program: ${agent}, settings: { base_url: "${url}", model: claude-sonnet-4-5 } }`;
  writeFileSync(config, `workers:\n  house: ${worker}\n${settings}`);
  return ["--config", config, "--state-dir", scratch.stateDir];
}

/** The environment with which the worker ran. */
export function workerEnviron(scratch: Scratch): Record<string, string> {
  const text = readFileSync(join(scratch.workspace, "environ.txt"), "utf8");
  return Object.fromEntries(
    text
      .split("\0")
      .filter((line) => line !== "")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}
