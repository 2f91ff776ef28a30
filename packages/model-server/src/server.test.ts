import { afterEach, describe, expect, it } from "vitest";
import type { ProtocolName } from "./request.ts";
import type { Turn } from "./script.ts";
import { startModelServer, type ModelServer, type ModelServerOptions } from "./server.ts";

let server: ModelServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(options: ModelServerOptions): Promise<ModelServer> {
  server = await startModelServer(options);
  return server;
}

interface Client {
  readonly protocol: ProtocolName;
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly headers: (key: string) => Record<string, string>;
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

const clients: readonly Client[] = [
  {
    protocol: "anthropic-messages",
    path: "/v1/messages?beta=true",
    body: {
      model: "claude-test",
      system: [{ type: "text", text: "be brief" }],
      messages: [{ role: "user", content: "hi" }],
      tools: [{ name: "Bash", input_schema: { type: "object", properties: { command: {} } } }],
    },
    headers: (key) => ({ "x-api-key": key }),
  },
  {
    protocol: "openai-responses",
    path: "/v1/responses",
    body: {
      model: "gpt-test",
      instructions: "be brief",
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
      tools: [
        { type: "function", name: "exec_command", parameters: { type: "object", properties: { cmd: {} } } },
        { type: "web_search" },
      ],
    },
    headers: bearer,
  },
  {
    protocol: "openai-chat",
    path: "/v1/chat/completions",
    body: {
      model: "fake-model",
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "hi" },
      ],
      tools: [{ type: "function", function: { name: "bash", parameters: { properties: { command: {} } } } }],
    },
    headers: bearer,
  },
];

function ask(to: ModelServer, client: Client, options: { key?: string; stream?: boolean } = {}) {
  return fetch(`${to.url}${client.path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...client.headers(options.key ?? "key-1") },
    body: JSON.stringify({ ...client.body, stream: options.stream ?? true }),
  });
}

/** The JSON of every `data:` line of an event stream, without the end marker of Chat Completions. */
function events(text: string): readonly unknown[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("data: ") && line !== "data: [DONE]")
    .map((line) => JSON.parse(line.slice("data: ".length)) as unknown);
}

/** The value at a path of keys and positions, undefined where there is none. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key],
    value,
  );
}

/** The texts at a path of each event, joined. */
function join(stream: readonly unknown[], ...path: readonly (string | number)[]): string {
  return stream
    .map((event) => at(event, ...path))
    .filter((text) => typeof text === "string")
    .join("");
}

interface Said {
  readonly text: string;
  readonly toolName: unknown;
  /** The tool's input as JSON text. */
  readonly toolInput: unknown;
  readonly stop: unknown;
  readonly usage: unknown;
}

/** What a client of each protocol would have understood from a stream. */
const understand: Record<ProtocolName, (stream: readonly unknown[]) => Said> = {
  "anthropic-messages": (stream) => ({
    text: join(stream, "delta", "text"),
    toolName: stream.map((event) => at(event, "content_block", "name")).find((name) => name !== undefined),
    toolInput: join(stream, "delta", "partial_json"),
    stop: join(stream, "delta", "stop_reason"),
    usage: { ...(at(stream, 0, "message", "usage") as object), ...(at(stream.at(-2), "usage") as object) },
  }),
  "openai-responses": (stream) => {
    const output = at(stream.at(-1), "response", "output") as readonly unknown[];
    const call = output.find((item) => at(item, "type") === "function_call");
    return {
      text: join(stream, "delta"),
      toolName: at(call, "name"),
      toolInput: at(call, "arguments") ?? "",
      stop: at(stream.at(-1), "response", "status"),
      usage: at(stream.at(-1), "response", "usage"),
    };
  },
  "openai-chat": (stream) => {
    const call = stream.map((event) => at(event, "choices", 0, "delta", "tool_calls", 0)).find(Boolean);
    return {
      text: join(stream, "choices", 0, "delta", "content"),
      toolName: at(call, "function", "name"),
      toolInput: at(call, "function", "arguments") ?? "",
      stop: join(stream, "choices", 0, "finish_reason"),
      usage: at(stream.at(-1), "usage"),
    };
  },
};

const usage = { inputTokens: 800, cachedInputTokens: 200, outputTokens: 50 };
const usageOnTheWire: Record<ProtocolName, unknown> = {
  "anthropic-messages": {
    input_tokens: 800,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 200,
    output_tokens: 50,
  },
  "openai-responses": {
    input_tokens: 1000,
    input_tokens_details: { cached_tokens: 200 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 1050,
  },
  "openai-chat": {
    prompt_tokens: 1000,
    completion_tokens: 50,
    total_tokens: 1050,
    prompt_tokens_details: { cached_tokens: 200 },
  },
};
const finished: Record<ProtocolName, { text: string; tool: string }> = {
  "anthropic-messages": { text: "end_turn", tool: "tool_use" },
  "openai-responses": { text: "completed", tool: "completed" },
  "openai-chat": { text: "stop", tool: "tool_calls" },
};

describe.each(clients)("over $protocol", (client) => {
  const { protocol } = client;

  it("a text turn is streamed with its usage", async () => {
    const to = await start({ script: [{ text: "hello there", usage }] });
    const answer = await ask(to, client);
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect(understand[protocol](events(await answer.text()))).toEqual({
      text: "hello there",
      toolName: undefined,
      toolInput: "",
      stop: finished[protocol].text,
      usage: usageOnTheWire[protocol],
    });
  });

  it("a tool call is streamed under the client's own name, after its text", async () => {
    const to = await start({
      script: [{ text: "first", toolCall: { name: "shell", input: { command: "ls" } } }],
    });
    const said = understand[protocol](events(await (await ask(to, client)).text()));
    expect(said.text).toBe("first");
    expect(said.stop).toBe(finished[protocol].tool);
    expect(said.toolName).toMatch(/^(Bash|bash|exec_command)$/);
    expect(said.toolInput).toMatch(/^\{"(command|cmd)":"ls"/);
  });

  it("a request without stream gets one body with the text and the usage", async () => {
    const to = await start({ script: [{ text: "hello there", usage }] });
    const answer = await ask(to, client, { stream: false });
    const body = (await answer.json()) as Record<string, unknown>;
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(JSON.stringify(body)).toContain("hello there");
    expect(body["usage"]).toEqual(usageOnTheWire[protocol]);
  });

  it.each([400, 401, 402, 403, 404, 429, 500, 529])("status %i comes with an error body", async (status) => {
    const to = await start({ script: [{ status }] });
    const answer = await ask(to, client);
    expect(answer.status).toBe(status);
    expect(answer.headers.has("retry-after")).toBe(false);
    expect(await answer.json()).toMatchObject({
      error: { message: expect.stringContaining(`(scripted status ${status})`) },
    });
  });

  it("a status turn can carry retry-after and a body of its own", async () => {
    const to = await start({ script: [{ status: 429, retryAfterSeconds: 7, body: { error: "slow down" } }] });
    const answer = await ask(to, client);
    expect(answer.headers.get("retry-after")).toBe("7");
    expect(await answer.json()).toEqual({ error: "slow down" });
  });

  it("hang before headers sends nothing until the server closes", async () => {
    const to = await start({ script: [{ text: "a later request" }] });
    const run = to.run({ key: "hanging", script: [{ hang: "before-headers" }] });
    let outcome = "waiting";
    const hanging = ask(to, client, { key: "hanging" }).then(
      () => (outcome = "answered"),
      () => (outcome = "connection lost"),
    );
    await run.asked(1);
    await (await ask(to, client)).text();
    expect(outcome).toBe("waiting");
    await to.close();
    await hanging;
    expect(outcome).toBe("connection lost");
  });

  it("hang mid-stream sends a beginning and no end", async () => {
    const to = await start({ script: [{ text: "a later request" }] });
    to.run({ key: "hanging", script: [{ hang: "mid-stream" }] });
    const answer = await ask(to, client, { key: "hanging" });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain("data: ");
    let outcome = "waiting";
    const next = reader.read().then(
      () => (outcome = "more, or the end"),
      () => (outcome = "connection lost"),
    );
    await (await ask(to, client)).text();
    expect(outcome).toBe("waiting");
    await to.close();
    await next;
    expect(outcome).toBe("connection lost");
  });

  it("a cut turn destroys the connection in the middle of the stream", async () => {
    const to = await start({ script: [{ cut: true }] });
    const answer = await ask(to, client);
    await expect(answer.text()).rejects.toThrow(/terminated/);
  });

  it("a dripping turn arrives in pieces and is complete", async () => {
    const text = "abcdefghijkl";
    const to = await start({ script: [{ text, drip: { chunkMs: 5, chunks: 4 } }] });
    const stream = events(await (await ask(to, client)).text());
    expect(understand[protocol](stream)).toMatchObject({ text, stop: finished[protocol].text });
    const pieces = stream.filter((event) => JSON.stringify(event).match(/"(abc|def|ghi|jkl)"/));
    expect(pieces).toHaveLength(4);
  });

  it("an answer is held before its first byte and in its middle for as long as asked", async () => {
    const moment = () => ({
      reached: Promise.withResolvers<void>(),
      released: Promise.withResolvers<void>(),
    });
    const moments = { start: moment(), middle: moment() };
    const to = await start({
      script: [{ text: "ok" }],
      hold: (_request, at) => {
        moments[at].reached.resolve();
        return moments[at].released.promise;
      },
    });
    const asked = ask(to, client);
    let isAnswered = false;
    void asked.then(() => (isAnswered = true));
    await moments.start.reached.promise;
    expect(isAnswered).toBe(false);
    moments.start.released.resolve();
    const answer = await asked;
    await moments.middle.reached.promise;
    moments.middle.released.resolve();
    expect(understand[protocol](events(await answer.text()))).toMatchObject({ text: "ok" });
  });

  it("garbage as a body and as a stream are both status 200 and no answer", async () => {
    const to = await start({ script: [{ garbage: "body" }, { garbage: "sse" }] });
    const body = await ask(to, client);
    expect(body.status).toBe(200);
    expect(await body.text()).toMatch(/^<html>/);
    const sse = await ask(to, client);
    expect(sse.headers.get("content-type")).toBe("text/event-stream");
    const text = await sse.text();
    expect(() => events(text)).toThrow(SyntaxError);
  });

  it("the request is recorded: key, model, system text, messages, tools", async () => {
    const to = await start({ script: [{ text: "ok" }], now: () => 1234 });
    await (await ask(to, client, { key: "key-7" })).text();
    expect(to.requests).toHaveLength(1);
    expect(to.requests[0]).toMatchObject({
      protocol,
      key: "key-7",
      model: client.body["model"],
      system: "be brief",
      receivedAtMs: 1234,
      tools: [{ type: "function", properties: [expect.stringMatching(/^(command|cmd)$/)] }],
    });
    expect(JSON.stringify(to.requests[0]?.messages)).toContain("hi");
  });
});

describe("the server", () => {
  const client = clients[0] as Client;

  it("serves each key its own script, and counts each key's requests apart", async () => {
    const to = await start({});
    const one = to.run({ key: "one", script: [{ text: "for one" }] });
    const two = to.run({ key: "two", script: [{ text: "for two" }, { text: "again" }] });
    expect(await (await ask(to, client, { key: "one" })).text()).toContain("for one");
    expect(await (await ask(to, client, { key: "two" })).text()).toContain("for two");
    expect(await (await ask(to, client, { key: "two" })).text()).toContain("again");
    expect([one.requests.length, two.requests.length]).toEqual([1, 2]);
  });

  it("answers 401 to a key that has no script", async () => {
    const to = await start({});
    expect((await ask(to, client, { key: "stranger" })).status).toBe(401);
  });

  it("refuses with 400 after the limit of requests", async () => {
    const script: Turn[] = [{ text: "again", repeat: "forever" }];
    const to = await start({ script, maxRequests: 2 });
    const statuses: number[] = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await ask(to, client)).status);
    expect(statuses).toEqual([200, 200, 400, 400]);
  });

  it("answers 404 to other requests and remembers them", async () => {
    const to = await start({ script: [{ text: "x" }] });
    expect((await fetch(`${to.url}/v1/models`)).status).toBe(404);
    expect(to.strayRequests).toEqual(["GET /v1/models"]);
  });

  it.each(["not json", "[1]", '"text"', "null"])("answers 400 to the body %s", async (body) => {
    const to = await start({ script: [{ text: "x" }] });
    const answer = await fetch(`${to.url}/v1/messages`, { method: "POST", body });
    expect(answer.status).toBe(400);
    expect(to.requests).toEqual([]);
  });

  it("survives a script function that throws: that exchange ends, the next one is served", async () => {
    const to = await start({
      script: (_request, index) => {
        if (index === 0) throw new TypeError("a mistake in the script");
        return { text: "recovered" };
      },
    });
    await expect(ask(to, client)).rejects.toThrow(/fetch failed/);
    expect(await (await ask(to, client)).text()).toContain("recovered");
  });
});
