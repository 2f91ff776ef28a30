import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlanContext, Upstream, WorkerTask } from "@agentcore/contract";
import { afterEach, describe, expect, it } from "vitest";
import { codexAdapter } from "./adapter.ts";

const spendGate = { url: "http://127.0.0.1:4100", socketPath: "/state/gate.sock", key: "gate-key" };

interface Given {
  readonly hostEnv?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly providersWithCredential?: readonly string[];
}

/** The upstream, and what the plan has with the gate. */
function through({ hostEnv = {}, settings = {}, providersWithCredential }: Given) {
  const task: WorkerTask = {
    worker: "codex",
    workspace: "/workspace",
    instructions: "Fix it.",
    capabilities: ["read"],
  };
  const context: PlanContext = {
    grants: { capabilities: ["read"], maxCostUsd: 2, maxTokens: null, model: null, timeoutMs: 60_000 },
    program: "/opt/bin/codex",
    hostEnv,
    attemptDir: "/state/attempt",
    settings,
    providersWithCredential,
  };
  const upstream = codexAdapter.spendGateUpstream?.(task, context) ?? null;
  const plan = codexAdapter.plan(task, { ...context, spendGate });
  const set = (name: string): string | undefined =>
    plan.args.find((arg) => arg.startsWith(`model_providers.agentcore.${name}=`))?.split(/=(.*)/s)[1];
  return { upstream, plan, set };
}

const homes: string[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true });
});

/** A HOME with a login of Codex. */
function homeWith(login: unknown, config = ""): string {
  const home = mkdtempSync(join(tmpdir(), "codex-login-"));
  homes.push(home);
  mkdirSync(join(home, ".codex"));
  writeFileSync(join(home, ".codex", "auth.json"), typeof login === "string" ? login : JSON.stringify(login));
  writeFileSync(join(home, ".codex", "config.toml"), config);
  return home;
}

const openai = { provider: "openai", protocol: "openai-responses" } as const;
const chatGpt = { OPENAI_API_KEY: null, tokens: { access_token: "jwt-of-the-user", refresh_token: "r" } };

describe("a key becomes the gate's credential, and the worker gets the key of the gate", () => {
  const key = (value: string): Upstream["credential"] => ({
    kind: "header",
    name: "authorization",
    value: `Bearer ${value}`,
  });
  it.each<[what: string, given: Given, baseUrl: string, address: string, credential: Upstream["credential"]]>(
    [
      ["a key", { hostEnv: { OPENAI_API_KEY: "sk-1" } }, "https://api.openai.com", "/v1", key("sk-1")],
      [
        "a key at a gateway without a version in its address",
        {
          hostEnv: { MINE: "sk-2" },
          settings: { api_key_env: "MINE", base_url: "https://gw.example/openai/" },
        },
        "https://gw.example/openai",
        "",
        key("sk-2"),
      ],
      [
        "a key and an address of the caller",
        { hostEnv: { CODEX_API_KEY: "sk-3", OPENAI_BASE_URL: "http://127.0.0.1:1/v1" } },
        "http://127.0.0.1:1",
        "/v1",
        key("sk-3"),
      ],
      [
        "an address that needs no key",
        { settings: { base_url: "http://127.0.0.1:2/v1" } },
        "http://127.0.0.1:2",
        "/v1",
        { kind: "none" },
      ],
      [
        "no key, for the gate has one",
        { providersWithCredential: ["openai"] },
        "https://api.openai.com",
        "/v1",
        { kind: "none" },
      ],
    ],
  )("%s", (_what, given, baseUrl, path, credential) => {
    const { upstream, plan, set } = through(given);
    expect(upstream).toEqual({ ...openai, baseUrl, credential });
    expect(plan.home).toBe("own");
    expect(set("base_url")).toBe(JSON.stringify(`${spendGate.url}${path}`));
    expect(set("env_key")).toBe('"OPENAI_API_KEY"');
    expect(plan.env).toEqual({ OPENAI_API_KEY: spendGate.key });
    expect(JSON.stringify(plan)).not.toMatch(/sk-\d/);
  });
});

describe("a login in the caller's HOME is sent as it is, with the key of the gate beside it:", () => {
  it.each([
    ["of ChatGPT", chatGpt, "https://chatgpt.com/backend-api/codex", ""],
    ["with a key", { OPENAI_API_KEY: "sk-login" }, "https://api.openai.com", "/v1"],
  ])("%s", (_what, login, baseUrl, path) => {
    const { upstream, plan, set } = through({ hostEnv: { HOME: homeWith(login) } });
    expect(upstream).toEqual({ ...openai, baseUrl, credential: { kind: "own-login" } });
    expect(plan.home).toBe("user");
    expect(set("base_url")).toBe(JSON.stringify(`${spendGate.url}${path}`));
    expect(set("requires_openai_auth")).toBe("true");
    expect(set("env_http_headers")).toBe('{"x-agentcore-key"="AGENTCORE_SPEND_GATE_KEY"}');
    expect(plan.env).toEqual({ AGENTCORE_SPEND_GATE_KEY: spendGate.key });
    // The commands that Codex runs do not get it.
    expect(plan.args.find((arg) => arg.startsWith("shell_environment_policy.exclude="))).toContain(
      "AGENTCORE_SPEND_GATE_KEY",
    );
    expect(JSON.stringify([upstream, plan])).not.toMatch(/jwt-of|sk-login/);
  });
});

describe("the gate is not used", () => {
  it.each<[what: string, hostEnv: () => Record<string, string>, settings?: Given["settings"]]>([
    ["without a login", () => ({ HOME: "/nonexistent" })],
    ["without a HOME", () => ({})],
    ["with a login that is none", () => ({ HOME: homeWith("{") })],
    [
      "if the user's configuration names another provider",
      () => ({ HOME: homeWith(chatGpt, 'model_provider = "azure"\n') }),
    ],
    ["if the configuration takes the login away", () => ({ HOME: homeWith(chatGpt) }), { home: "own" }],
  ])("%s", (_what, hostEnv, settings) => {
    expect(
      through({ hostEnv: hostEnv(), ...(settings === undefined ? {} : { settings }) }).upstream,
    ).toBeNull();
  });
});
