import { type ProviderProtocol, providerProtocols } from "@agentcore/contract";
import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { protocols } from "./index.ts";

const seed = testSeed("random bodies of requests");
const [messages, responses, chat] = providerProtocols;

const encoded = (body: unknown) => Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
const read = (protocol: ProviderProtocol, body: unknown) => protocols[protocol].readRequest(encoded(body));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

const claude = {
  model: "claude-opus-5",
  max_tokens: 128_000,
  stream: true,
  system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } }],
  tools: [
    { name: "Bash", input_schema: { type: "object", properties: { type: { type: "web_search_20260209" } } } },
    { type: "bash_20250124", name: "bash" },
    { type: "web_search_20260209", name: "web_search" },
    { type: "advisor_20260301", name: "advisor", model: "claude-mythos-5" },
  ],
  messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
  service_tier: "auto",
  speed: "fast",
  inference_geo: "us",
};

describe("reading a request", () => {
  it("of Messages finds what it asks for", () => {
    expect(read(messages, claude)).toEqual({
      model: "claude-opus-5",
      maxOutputTokens: 128_000,
      minOutputTokens: 1,
      isStream: true,
      inputBytes: encoded(claude).length,
      isInputInBody: true,
      hostedTools: ["web_search_20260209", "advisor_20260301"],
      otherModels: ["claude-mythos-5"],
      cacheWrites: "1h",
      serviceTier: "auto",
      speed: "fast",
      region: "us",
      fingerprint: expect.stringMatching(/^[\w-]{43}$/) as string,
    });
  });

  it("of Responses finds what it asks for", () => {
    const codex = {
      model: "gpt-5.5",
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] }],
      tools: [
        { type: "function", name: "exec_command" },
        { type: "namespace", name: "apps" },
        { type: "web_search" },
      ],
      stream: true,
      store: false,
      prompt_cache_key: "thread-1",
    };
    expect(read(responses, codex)).toMatchObject({
      model: "gpt-5.5",
      maxOutputTokens: null,
      minOutputTokens: 16,
      isStream: true,
      isInputInBody: true,
      hostedTools: ["web_search"],
      cacheWrites: null,
      serviceTier: null,
    });
  });

  it("of Chat Completions counts the output of all answers, and the models it may fall back to", () => {
    const body = { model: "a/b", n: 4, max_completion_tokens: 500, models: ["a/c"], web_search_options: {} };
    expect(read(chat, body)).toMatchObject({
      maxOutputTokens: 2000,
      minOutputTokens: 4,
      isStream: false,
      hostedTools: ["web_search"],
      otherModels: ["a/c"],
    });
  });

  it("takes the smaller one of two limits of the output", () => {
    expect(read(chat, { max_tokens: 100, max_completion_tokens: 70 })?.maxOutputTokens).toBe(70);
  });

  it.each<[ProviderProtocol, unknown]>([
    [
      messages,
      { messages: [{ content: [{ type: "image", source: { type: "url", url: "https://a.example/b" } }] }] },
    ],
    [messages, { messages: [{ content: [{ content: [{ source: { type: "file", file_id: "file_1" } }] }] }] }],
    [
      messages,
      { messages: [{ content: [{ source: { type: "base64", media_type: "application/pdf", data: "" } }] }] },
    ],
    [responses, { previous_response_id: "resp_1" }],
    [responses, { conversation: { id: "conv_1" } }],
    [responses, { prompt: { id: "pmpt_1" } }],
    [responses, { input: [{ type: "item_reference", id: "msg_1" }] }],
    [responses, { input: [{ content: [{ type: "input_image", image_url: "https://a.example/b.png" }] }] }],
    [chat, { messages: [{ content: [{ type: "image_url", image_url: { url: "https://a.example/b" } }] }] }],
    [chat, { messages: [{ content: [{ type: "file", file: { file_id: "file-1" } }] }] }],
  ])("of %s knows that the input of %j is not all in the body", (protocol, body) => {
    expect(read(protocol, body)?.isInputInBody).toBe(false);
  });

  it.each<[ProviderProtocol, unknown]>([
    [
      messages,
      { messages: [{ content: [{ source: { type: "base64", media_type: "image/png", data: "" } }] }] },
    ],
    [
      responses,
      { previous_response_id: null, input: [{ type: "input_image", image_url: "data:image/png;base64,AA" }] },
    ],
    [chat, { messages: [{ content: [{ image_url: { url: "data:image/png;base64,AA" } }] }] }],
  ])("of %s knows that the input of %j is in the body", (protocol, body) => {
    expect(read(protocol, body)?.isInputInBody).toBe(true);
  });

  it.each<[string, ProviderProtocol, string | object]>([
    ["no JSON", messages, "max_tokens=5"],
    ["an empty body", messages, ""],
    ["an array", messages, "[]"],
    ["a string", messages, '"a"'],
    ["two documents", messages, "{}{}"],
    ["a limit that is there twice", messages, '{"max_tokens":5,"max_tokens":128000}'],
    [
      "a limit that is there twice, once with an escape",
      messages,
      '{"max_tokens":5,"max\\u005ftokens":128000}',
    ],
    ["a model that is there twice", responses, '{"model":"gpt-5.4-nano","input":"","model":"gpt-5.5-pro"}'],
    ["a budget that is there twice", messages, '{"thinking":{"budget_tokens":1,"budget_tokens":2}}'],
    ["a switch that is there twice", chat, '{"stream":true,"stream":false}'],
    ["a limit that is a text", messages, { max_tokens: "128000" }],
    ["a limit that is negative", messages, { max_tokens: -1 }],
    ["a limit that is an object", chat, { max_completion_tokens: { max: 5 } }],
    ["a number of answers that is a text", chat, { n: "9" }],
    ["a switch that is a text", chat, { stream: "true" }],
    ["a model that is an object", responses, { model: { id: "gpt-5.5-pro" } }],
    ["a response in the background", responses, { model: "gpt-5.5", background: true }],
    ["more values than a conversation has", messages, `{"a":[${"1,".repeat(1_000_000)}1]}`],
    ["deep nesting", messages, `{"a":${"[".repeat(100_000)}`],
    ["a model in capitals", messages, '{"model":"a","MODEL":"b"}'],
    ["a limit with a capital", messages, '{"Max_Tokens":9}'],
    ["a limit with the sign of Kelvin", chat, '{"max_to\u212Aens":9}'],
    ["a tier with a long s", responses, '{"\u017Fervice_tier":"priority"}'],
    ["a budget with a capital", messages, '{"thinking":{"Budget_tokens":9}}'],
    ["a budget in a parent with a capital", messages, '{"Thinking":{"budget_tokens":9}}'],
    ["background with a capital", responses, '{"Background":true}'],
  ])("refuses %s", (_what, protocol, body) => {
    expect(read(protocol, body)).toBeNull();
  });

  it("of several megabytes finds what is spread over the pieces in which it is read", () => {
    const piece = 1024 * 1024;
    const before = `{"pad":"${"x".repeat(piece - 25)}","model":"`;
    const body = `${before}claude-opus-5","more":"${"y".repeat(piece)}","speed":"fast"}`;
    expect([before.length < piece, before.length + 13 > piece]).toEqual([true, true]);
    expect(read(messages, body)).toMatchObject({ model: "claude-opus-5", speed: "fast" });
  });

  it("takes a field that is null as one that is missing", () => {
    const body = { model: null, max_output_tokens: null, stream: null, background: null, service_tier: null };
    expect(read(responses, body)).toMatchObject({ model: null, maxOutputTokens: null, isStream: false });
  });
});

describe("a fingerprint", () => {
  const of = (body: unknown) => read(messages, body)?.fingerprint;
  const turn = (id: string, input: string) => ({
    role: "assistant",
    content: [{ type: "tool_use", id, name: "Bash", input: { command: input } }],
  });

  it("is equal for requests that ask for the same with other ids, metadata, cache marks and checksums", () => {
    const asked = (n: number) => ({
      ...claude,
      metadata: { user_id: `session-${n}`, deep: [{ n }] },
      system: [{ type: "text", text: `x-anthropic-billing-header: cch=${n}` }],
      messages: [turn(`toolu_${n}`, "ls")],
      tools: [{ name: "Bash", cache_control: n === 1 ? null : { type: "ephemeral" } }],
    });
    expect(of(asked(1))).toBe(of(asked(2)));
    const codex = (n: number) =>
      read(responses, { input: [{ call_id: `c${n}`, output: "x" }], prompt_cache_key: `${n}`, model: "m" });
    expect(codex(1)?.fingerprint).toBe(codex(2)?.fingerprint);
  });

  it("differs where the requests ask for something else", () => {
    const bodies = [
      claude,
      { ...claude, model: "claude-sonnet-5" },
      { ...claude, max_tokens: 5 },
      { ...claude, messages: [turn("toolu_1", "ls")] },
      { ...claude, messages: [turn("toolu_1", "ls -l")] },
      { ...claude, messages: [turn("toolu_1", "ls"), turn("toolu_1", "ls")] },
    ];
    expect(new Set(bodies.map(of)).size).toBe(bodies.length);
  });
});

describe("a lower limit of the output", () => {
  const limited = (protocol: ProviderProtocol, body: string | object, tokens: number) =>
    text(protocols[protocol].withMaxOutput(encoded(body), tokens));

  it.each<[string, ProviderProtocol, string, number, string]>([
    [
      "replaces the number",
      messages,
      '{ "max_tokens" : 128000 , "x":1.50 }',
      900,
      '{ "max_tokens" : 900 , "x":1.50 }',
    ],
    [
      "is added if it is missing",
      responses,
      '{"model":"gpt-5.5"}',
      900,
      '{"max_output_tokens":900,"model":"gpt-5.5"}',
    ],
    ["is added to an empty object", responses, " { } ", 900, ' {"max_output_tokens":900 } '],
    ["replaces null", responses, '{"max_output_tokens":null}', 900, '{"max_output_tokens":900}'],
    [
      "replaces both fields",
      chat,
      '{"max_tokens":9e3,"max_completion_tokens":9000}',
      9,
      '{"max_tokens":9,"max_completion_tokens":9}',
    ],
    [
      "is added under the name that the model knows",
      chat,
      '{"model":"gpt-5.5"}',
      9,
      '{"max_completion_tokens":9,"model":"gpt-5.5"}',
    ],
    [
      "is added under the name that all other servers know",
      chat,
      '{"model":"qwen3"}',
      9,
      '{"max_tokens":9,"model":"qwen3"}',
    ],
    ["is divided among the answers", chat, '{"n":3,"max_tokens":100}', 100, '{"n":3,"max_tokens":33}'],
    [
      "finds a field that is written with an escape",
      messages,
      '{"max\\u005ftokens":5000}',
      9,
      '{"max\\u005ftokens":9}',
    ],
    [
      "leaves a field of the same name elsewhere",
      messages,
      '{"a":{"max_tokens":5},"max_tokens":7}',
      6,
      '{"a":{"max_tokens":5},"max_tokens":6}',
    ],
    [
      "lowers the budget for thinking with it",
      messages,
      '{"max_tokens":32000,"thinking":{"type":"enabled","budget_tokens":31999}}',
      5000,
      '{"max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":4999}}',
    ],
    [
      "leaves a budget that fits",
      messages,
      '{"max_tokens":32000,"thinking":{"budget_tokens":2000}}',
      5000,
      '{"max_tokens":5000,"thinking":{"budget_tokens":2000}}',
    ],
  ])("%s", (_what, protocol, body, tokens, expected) => {
    expect(limited(protocol, body, tokens)).toBe(expected);
  });

  it("has a least value that keeps a request with a budget for thinking valid", () => {
    const body = { max_tokens: 32_000, thinking: { budget_tokens: 31_999 } };
    const min = read(messages, body)?.minOutputTokens ?? 0;
    expect(min).toBe(1025);
    expect(limited(messages, body, min)).toBe('{"max_tokens":1025,"thinking":{"budget_tokens":1024}}');
  });

  it("passes every other byte of any body", () => {
    const members = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(members, fc.nat(), fc.integer({ min: 0, max: 2 }), (others, at, spaces) => {
        const entries = Object.entries(others);
        entries.splice(at % (entries.length + 1), 0, ["max_tokens", 128_000]);
        const body = encoded(JSON.stringify(Object.fromEntries(entries), null, spaces));
        const place = body.indexOf("128000", body.indexOf('"max_tokens"'));
        const expected = Buffer.concat([
          body.subarray(0, place),
          Buffer.from("900"),
          body.subarray(place + 6),
        ]);
        expect(text(protocols[messages].withMaxOutput(body, 900))).toBe(expected.toString());
        const without = encoded(JSON.stringify(others, null, spaces));
        const added = text(protocols[messages].withMaxOutput(without, 900));
        expect(added.replace(/"max_tokens":900,?/, "")).toBe(without.toString());
        expect(JSON.parse(added)).toEqual({ ...(JSON.parse(without.toString()) as object), max_tokens: 900 });
      }),
      { seed },
    );
  });
});

describe("asking for the usage", () => {
  const asked = (protocol: ProviderProtocol, body: string) =>
    text(protocols[protocol].withUsage(encoded(body)));

  it.each([
    ['{"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    ['{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['{"stream":true,"stream_options":{}}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    [
      '{"stream":true,"stream_options":{"x":1}}',
      '{"stream":true,"stream_options":{"include_usage":true,"x":1}}',
    ],
    [
      '{"stream":true,"stream_options":{"include_usage":false}}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"stream":true,"stream_options":{"include_usage":true}}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    ['{"stream":false}', '{"stream":false}'],
    ['{"model":"m"}', '{"model":"m"}'],
  ])("makes of %s in Chat Completions %s", (body, expected) => {
    expect(asked(chat, body)).toBe(expected);
  });

  it("changes nothing where the usage is always reported", () => {
    expect(asked(messages, '{"stream":true}')).toBe('{"stream":true}');
    expect(asked(responses, '{"stream":true}')).toBe('{"stream":true}');
  });
});
