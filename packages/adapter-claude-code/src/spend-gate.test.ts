import type { PlanContext, Upstream, WorkerTask } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { claudeCodeAdapter } from "./adapter.ts";

const spendGate = { url: "http://127.0.0.1:4100", socketPath: "/state/gate.sock", key: "gate-key" };

interface Given {
  readonly hostEnv?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly providersWithCredential?: readonly string[];
}

/** The upstream, and what the plan has with the gate. */
function through({ hostEnv = {}, settings = {}, env = {}, providersWithCredential }: Given) {
  const task: WorkerTask = {
    worker: "claude-code",
    workspace: "/workspace",
    instructions: "Fix it.",
    capabilities: ["read"],
    env: { ...env },
  };
  const context: PlanContext = {
    grants: { capabilities: ["read"], maxCostUsd: 2, maxTokens: null, model: null, timeoutMs: 60_000 },
    program: "/opt/bin/claude",
    hostEnv,
    attemptDir: "/state/attempt",
    settings,
    providersWithCredential,
  };
  const upstream = claudeCodeAdapter.spendGateUpstream?.(task, context) ?? null;
  return { upstream, plan: claudeCodeAdapter.plan(task, { ...context, spendGate }) };
}

const anthropic = { provider: "anthropic", protocol: "anthropic-messages" } as const;

describe("a key becomes the gate's credential, and the worker gets the key of the gate", () => {
  const key = (value: string): Upstream["credential"] => ({ kind: "header", name: "x-api-key", value });
  it.each<[what: string, given: Given, baseUrl: string, credential: Upstream["credential"]]>([
    ["a key", { hostEnv: { ANTHROPIC_API_KEY: "sk-1" } }, "https://api.anthropic.com", key("sk-1")],
    [
      "a token, which Claude Code prefers to a key",
      { hostEnv: { ANTHROPIC_API_KEY: "sk-1", ANTHROPIC_AUTH_TOKEN: "t-1" } },
      "https://api.anthropic.com",
      { kind: "header", name: "authorization", value: "Bearer t-1" },
    ],
    [
      "a key in a variable of its own, at a gateway",
      {
        hostEnv: { MINE: "sk-2" },
        settings: { api_key_env: "MINE", base_url: "https://gw.example/claude/" },
      },
      "https://gw.example/claude",
      key("sk-2"),
    ],
    [
      "a key and an address of the caller",
      { hostEnv: { ANTHROPIC_API_KEY: "sk-1", ANTHROPIC_BASE_URL: "http://127.0.0.1:1" } },
      "http://127.0.0.1:1",
      key("sk-1"),
    ],
    [
      "a key and an address of the task",
      { env: { ANTHROPIC_API_KEY: "sk-3", ANTHROPIC_BASE_URL: "http://127.0.0.1:2" } },
      "http://127.0.0.1:2",
      key("sk-3"),
    ],
    [
      "no key, for the gate has one",
      { providersWithCredential: ["anthropic"], hostEnv: { CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat-1" } },
      "https://api.anthropic.com",
      { kind: "none" },
    ],
  ])("%s", (_what, given, baseUrl, credential) => {
    const { upstream, plan } = through(given);
    expect(upstream).toEqual({ ...anthropic, baseUrl, credential });
    expect(plan.home).toBe("own");
    expect(plan.env).toMatchObject({ ANTHROPIC_BASE_URL: spendGate.url, ANTHROPIC_API_KEY: spendGate.key });
    expect(plan.env).not.toHaveProperty("ANTHROPIC_AUTH_TOKEN");
    expect(JSON.stringify(plan)).not.toMatch(/sk-\w|t-1|oat/);
    // Its prices would stop the run, not those of the gate.
    expect(plan.args).not.toContain("--max-budget-usd");
  });
});

it("a token of the user's own login is sent as it is, with the key of the gate beside it", () => {
  const { upstream, plan } = through({ hostEnv: { CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat-1" } });
  expect(upstream).toEqual({
    ...anthropic,
    baseUrl: "https://api.anthropic.com",
    credential: { kind: "own-login" },
  });
  expect(plan.env).toMatchObject({
    ANTHROPIC_BASE_URL: spendGate.url,
    CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat-1",
    ANTHROPIC_CUSTOM_HEADERS: "x-agentcore-key: gate-key",
  });
  expect(plan.env).not.toHaveProperty("ANTHROPIC_API_KEY");
});

it.each<[what: string, given: Given]>([
  ["a login in HOME", { hostEnv: { HOME: "/home/me" } }],
  [
    "Bedrock, from the caller's environment",
    {
      hostEnv: { ANTHROPIC_API_KEY: "sk-1", CLAUDE_CODE_USE_BEDROCK: "1" },
      settings: { env_pass: ["CLAUDE_CODE_USE_BEDROCK"] },
    },
  ],
  ["Vertex, from the task", { env: { ANTHROPIC_API_KEY: "sk-1", CLAUDE_CODE_USE_VERTEX: "1" } }],
])("%s does not use the gate", (_what, given) => {
  expect(through(given).upstream).toBeNull();
});
