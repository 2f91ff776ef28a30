import type { PlanContext, Upstream, WorkerTask } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { openCodeAdapter } from "./adapter.ts";

const spendGate = { url: "http://127.0.0.1:4100", socketPath: "/state/gate.sock", key: "gate-key" };

interface Given {
  readonly model?: string;
  readonly hostEnv?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly providersWithCredential?: readonly string[];
}

/** The upstream, and what the plan has with the gate. */
function through({ model = "m", hostEnv = {}, settings = {}, providersWithCredential }: Given) {
  const task: WorkerTask = {
    worker: "opencode",
    workspace: "/workspace",
    instructions: "Fix it.",
    capabilities: ["run_commands"],
    model,
  };
  const context: PlanContext = {
    grants: { capabilities: ["run_commands"], maxCostUsd: 2, maxTokens: null, model, timeoutMs: 60_000 },
    program: "/opt/bin/opencode",
    hostEnv,
    attemptDir: "/state/attempt",
    settings,
    providersWithCredential,
  };
  const upstream = openCodeAdapter.spendGateUpstream?.(task, context) ?? null;
  const plan = openCodeAdapter.plan(task, { ...context, spendGate });
  const { provider } = JSON.parse(plan.env["OPENCODE_CONFIG_CONTENT"] ?? "{}") as {
    provider?: Record<string, { options: Record<string, unknown> }>;
  };
  return { upstream, plan, provider };
}

const bearer = (value: string): Upstream["credential"] => ({
  kind: "header",
  name: "authorization",
  value: `Bearer ${value}`,
});

describe("a key becomes the gate's credential, and the worker gets the key of the gate:", () => {
  it.each<[what: string, given: Given, upstream: Upstream, path: string, variable: string]>([
    [
      "a provider of the settings that speaks Chat Completions, with its prices",
      {
        hostEnv: { MINE: "sk-1" },
        settings: {
          base_url: "https://p.example/api/v1",
          api_key_env: "MINE",
          provider: "house",
          prices: { input: 1, output: 2 },
        },
      },
      {
        provider: "house",
        protocol: "openai-chat",
        baseUrl: "https://p.example/api",
        credential: bearer("sk-1"),
        price: { input: 1, cachedInput: undefined, output: 2 },
      },
      "/v1",
      "OPENAI_API_KEY",
    ],
    [
      "one that speaks Responses, and needs no key",
      { settings: { base_url: "http://127.0.0.1:1/v4/", api: "openai-responses" } },
      {
        provider: "agentcore",
        protocol: "openai-responses",
        baseUrl: "http://127.0.0.1:1/v4",
        credential: { kind: "none" },
      },
      "",
      "OPENAI_API_KEY",
    ],
    [
      "one that speaks Messages",
      {
        hostEnv: { ANTHROPIC_API_KEY: "sk-1" },
        settings: { base_url: "https://p.example/v1", api: "anthropic-messages" },
      },
      {
        provider: "agentcore",
        protocol: "anthropic-messages",
        baseUrl: "https://p.example",
        credential: { kind: "header", name: "x-api-key", value: "sk-1" },
      },
      "/v1",
      "ANTHROPIC_API_KEY",
    ],
    [
      "the built-in provider of Anthropic",
      {
        model: "anthropic/claude-sonnet-4-6",
        hostEnv: { ANTHROPIC_API_KEY: "sk-1", OPENAI_API_KEY: "sk-2" },
      },
      {
        provider: "anthropic",
        protocol: "anthropic-messages",
        baseUrl: "https://api.anthropic.com",
        credential: { kind: "header", name: "x-api-key", value: "sk-1" },
      },
      "/v1",
      "ANTHROPIC_API_KEY",
    ],
    [
      "that of OpenAI, at the caller's address",
      { model: "openai/gpt-5.5", hostEnv: { OPENAI_API_KEY: "sk-2", OPENAI_BASE_URL: "http://127.0.0.1:2" } },
      {
        provider: "openai",
        protocol: "openai-responses",
        baseUrl: "http://127.0.0.1:2",
        credential: bearer("sk-2"),
      },
      "/v1",
      "OPENAI_API_KEY",
    ],
    [
      "one whose key the gate has",
      { model: "openai/gpt-5.5", providersWithCredential: ["openai"] },
      {
        provider: "openai",
        protocol: "openai-responses",
        baseUrl: "https://api.openai.com",
        credential: { kind: "none" },
      },
      "/v1",
      "OPENAI_API_KEY",
    ],
  ])("%s", (_what, given, expected, path, variable) => {
    const { upstream, plan, provider } = through(given);
    expect(upstream).toEqual(expected);
    expect(plan.home).toBe("own");
    expect(plan.env[variable]).toBe(spendGate.key);
    expect(provider?.[expected.provider]?.options).toMatchObject({
      baseURL: `${spendGate.url}${path}`,
      apiKey: `{env:${variable}}`,
    });
    expect(JSON.stringify(plan)).not.toMatch(/sk-\d/);
  });
});

describe("the gate is not used", () => {
  it.each<[what: string, given: Given]>([
    ["with another built-in provider", { model: "groq/llama", hostEnv: { GROQ_API_KEY: "sk-1" } }],
    ["if OpenCode chooses the provider", { model: "sonnet", hostEnv: { ANTHROPIC_API_KEY: "sk-1" } }],
    ["with a login", { model: "anthropic/claude-sonnet-4-6", hostEnv: { HOME: "/home/me" } }],
  ])("%s", (_what, given) => {
    expect(through(given).upstream).toBeNull();
  });
});
