import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Capability, PlanContext, WorkerTask } from "@agentcore/contract";
import { testCommandPrefixes } from "@agentcore/worker-kit";
import { afterEach, describe, expect, it } from "vitest";
import { openCodeAdapter } from "./adapter.ts";
import { planOpenCode } from "./plan.ts";

interface Given {
  readonly capabilities?: readonly Capability[];
  readonly task?: Partial<WorkerTask>;
  readonly grants?: Partial<PlanContext["grants"]>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly hostEnv?: Readonly<Record<string, string>>;
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function workspaceWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "opencode-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function plan(given: Given = {}) {
  const capabilities = [...(given.capabilities ?? ["read"])] as Capability[];
  const task: WorkerTask = {
    worker: "opencode",
    workspace: "/workspace",
    instructions: "Fix it.",
    capabilities,
    ...given.task,
  };
  return planOpenCode(task, {
    grants: {
      capabilities,
      maxCostUsd: null,
      maxTokens: null,
      model: null,
      timeoutMs: 60_000,
      ...given.grants,
    },
    program: "/opt/bin/opencode",
    hostEnv: given.hostEnv ?? {},
    attemptDir: "/state/attempt",
    settings: given.settings ?? {},
  });
}

interface Config {
  readonly model?: string;
  readonly small_model?: string;
  readonly enabled_providers?: readonly string[];
  readonly provider?: Readonly<
    Record<string, { npm?: string; options?: object; models?: Record<string, object> }>
  >;
  readonly permission: Readonly<Record<string, unknown>>;
  readonly instructions: readonly string[];
}

function configOf(given: Given = {}): Config {
  return JSON.parse(plan(given).env["OPENCODE_CONFIG_CONTENT"] ?? "") as Config;
}

describe("capabilities become permissions", () => {
  const tests = {
    "*": "deny",
    ...Object.fromEntries(
      testCommandPrefixes.flatMap((each) => [each, `${each} *`]).map((p) => [p, "allow"]),
    ),
    "*>*": "deny",
  };

  it.each<[Capability[], string, unknown]>([
    [["read"], "deny", "deny"],
    [[], "deny", "deny"],
    [["edit"], "allow", "deny"],
    [["run_tests"], "deny", tests],
    [["edit", "run_tests"], "allow", tests],
    [["run_commands"], "deny", "allow"],
    [["edit", "run_tests", "run_commands"], "allow", "allow"],
  ])("%j", (capabilities, edit, bash) => {
    const { permission } = configOf({ capabilities });
    expect(permission).toMatchObject({ edit, bash });
    expect(Object.keys(permission["bash"] as object)).toEqual(Object.keys(bash as object));
  });

  it("never leaves a question to be asked", () => {
    expect(JSON.stringify(configOf({ capabilities: ["edit", "run_tests"] }).permission)).not.toContain(
      '"ask"',
    );
    expect(configOf().permission).toMatchObject({
      webfetch: "deny",
      websearch: "deny",
      external_directory: "deny",
      doom_loop: "deny",
      question: "deny",
    });
  });

  it("refuses redirections last, because the last match counts", () => {
    const { bash } = configOf({ capabilities: ["run_tests"] }).permission as { bash: object };
    expect(Object.entries(bash).at(-1)).toEqual(["*>*", "deny"]);
  });

  it("follows the grant, not the task, where the grant is smaller", () => {
    const grants = { capabilities: ["read"] as Capability[] };
    expect(configOf({ capabilities: ["edit"], grants }).permission).toMatchObject({ edit: "deny" });
  });
});

describe("the command line", () => {
  it("reads the prompt from stdin, prints JSON lines, and asks the model for no title", () => {
    const { command, args, stdin } = plan();
    expect(command).toBe("/opt/bin/opencode");
    expect(stdin).toBe("Fix it.");
    expect(args).toEqual([
      "run",
      "--format",
      "json",
      "--pure",
      "--print-logs",
      "--log-level",
      "ERROR",
      "--title",
      "agentcore",
    ]);
  });

  it("resumes a session and passes a task's own args on", () => {
    const { args } = plan({ task: { session: "ses_1", args: ["--variant", "high"] } });
    expect(args.slice(9)).toEqual(["--session", "ses_1", "--variant", "high"]);
  });

  it.each([
    [{ variant: "high" }, ["--variant", "high"]],
    [{ variant: "high", args: ["--thinking"] }, ["--variant", "high", "--thinking"]],
    [{ variant: "high", args: ["--variant", "low"] }, ["--variant", "low"]],
    [{ variant: "high", args: ["--variant=low"] }, ["--variant=low"]],
  ])("names one variant for %j: %j", (task, args) => {
    expect(plan({ task }).args.slice(9)).toEqual(args);
    expect(() => openCodeAdapter.checkArgs?.(args)).not.toThrow();
  });

  it.each([
    [["--auto"]],
    [["--dangerously-skip-permissions"]],
    [["--dangerouslySkipPermissions"]],
    [["--no-pure"]],
    [["--attach", "http://x"]],
    [["-mx"]],
    [["--dir=/"]],
    [["--file", "/etc/passwd"]],
    [["--format", "default"]],
    [["--variant", "--auto"]],
    [["another prompt"]],
    [["--flag-of-a-later-version"]],
  ])("refuses %j in a task's args", (args) => {
    expect(() => plan({ task: { args } })).toThrow(expect.objectContaining({ code: "AC_JOB_INVALID" }));
  });

  it("asks OpenCode to come to an end after the task's steps", () => {
    expect(configOf({ task: { maxSteps: 4 } })).toMatchObject({ agent: { build: { steps: 4 } } });
    expect(configOf()).not.toHaveProperty("agent");
  });
});

describe("the environment", () => {
  it("keeps OpenCode from updates, from the network of its makers and from the workspace's configuration", () => {
    expect(plan().env).toMatchObject({
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      OPENCODE_DISABLE_PROJECT_CONFIG: "1",
      npm_config_offline: "true",
    });
  });

  it("gives commands the task's time", () => {
    const { env } = plan({ task: { maxCommandTimeMs: 90_000 } });
    expect(env["OPENCODE_EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS"]).toBe("90000");
  });

  it("leaves the package registry to a run that may run commands", () => {
    expect(plan({ capabilities: ["run_commands"] }).env["npm_config_offline"]).toBeUndefined();
  });

  it("says in an own HOME that there is nothing to install", () => {
    const own = plan({ hostEnv: { ANTHROPIC_API_KEY: "k" }, task: { model: "anthropic/claude-x" } });
    expect(own.env["npm_config_offline"]).toBeUndefined();
    expect(Object.keys(own.files ?? {})).toEqual([
      "/state/attempt/home/.config/opencode/package-lock.json",
      "/state/attempt/home/.config/opencode/node_modules/.keep",
    ]);
    expect(plan().files).toBeUndefined();
  });
});

describe("a built-in provider", () => {
  const times = { timeout: 600_000, chunkTimeout: 300_000 };

  it.each<[string, Given, "own" | "user", Record<string, string>, object]>([
    ["with its key", { hostEnv: { ANTHROPIC_API_KEY: "k" } }, "own", { ANTHROPIC_API_KEY: "k" }, times],
    ["without a key", { hostEnv: { OPENAI_API_KEY: "k" } }, "user", {}, times],
    [
      "with an address of the caller's",
      { hostEnv: { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: "http://h/" } },
      "own",
      { ANTHROPIC_API_KEY: "k" },
      { ...times, baseURL: "http://h/v1" },
    ],
    [
      "with the key that the settings name",
      { hostEnv: { TEAM: "t" }, settings: { api_key_env: "TEAM" } },
      "own",
      { TEAM: "t" },
      { ...times, apiKey: "{env:TEAM}" },
    ],
    [
      "with the task's own key",
      { task: { model: "anthropic/claude-x", env: { ANTHROPIC_API_KEY: "p" } } },
      "own",
      { ANTHROPIC_API_KEY: "p" },
      times,
    ],
  ])("%s", (_, given, home, env, options) => {
    const whole = { task: { model: "anthropic/claude-x" }, ...given };
    expect(plan(whole)).toMatchObject({ home, env, model: "anthropic/claude-x" });
    expect(configOf(whole)).toMatchObject({
      model: "anthropic/claude-x",
      small_model: "anthropic/claude-x",
      enabled_providers: ["anthropic"],
      provider: { anthropic: { options } },
    });
  });

  it("gets its own key only", () => {
    const hostEnv = { ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o", GITHUB_TOKEN: "g" };
    const { env } = plan({ hostEnv, task: { model: "openai/gpt-x" } });
    expect(env).toMatchObject({ OPENAI_API_KEY: "o" });
    expect(env).not.toHaveProperty("ANTHROPIC_API_KEY");
    expect(env).not.toHaveProperty("GITHUB_TOKEN");
  });

  it.each(["constructor", "toString", "__proto__"])("%s is one that is not known, and no key of it", (id) => {
    const { env } = plan({ hostEnv: { OPENAI_API_KEY: "o" }, task: { model: `${id}/x` } });
    expect(env).not.toHaveProperty("OPENAI_API_KEY");
    expect(configOf({ task: { model: `${id}/x` } }).enabled_providers).toEqual([id]);
  });

  it("is chosen by OpenCode where no model is named", () => {
    const config = configOf({ hostEnv: { OPENAI_API_KEY: "o" } });
    expect(config.model).toBeUndefined();
    expect(config.provider).toBeUndefined();
    expect(plan({ hostEnv: { OPENAI_API_KEY: "o" } }).env).toMatchObject({ OPENAI_API_KEY: "o" });
  });
});

describe("a provider at an address", () => {
  const base = { base_url: "http://gateway.example/v1", model: "big" };

  it("is described in full", () => {
    const settings = { ...base, api_key_env: "TEAM", prices: { input: 3, output: 15, cached_input: 0.3 } };
    const given = { settings, hostEnv: { TEAM: "t" } };
    expect(plan(given)).toMatchObject({ home: "own", env: { TEAM: "t" }, model: "agentcore/big" });
    expect(configOf(given)).toMatchObject({
      model: "agentcore/big",
      small_model: "agentcore/big",
      enabled_providers: ["agentcore"],
      provider: {
        agentcore: {
          npm: "@ai-sdk/openai-compatible",
          options: { baseURL: "http://gateway.example/v1", apiKey: "{env:TEAM}", timeout: 600_000 },
          models: {
            big: {
              limit: { context: 200_000, output: 32_000 },
              cost: { input: 3, output: 15, cache_read: 0.3 },
            },
          },
        },
      },
    });
  });

  it.each([
    ["openai-chat", "@ai-sdk/openai-compatible", "OPENAI_API_KEY"],
    ["openai-responses", "@ai-sdk/openai", "OPENAI_API_KEY"],
    ["anthropic-messages", "@ai-sdk/anthropic", "ANTHROPIC_API_KEY"],
  ])("speaks %s", (api, npm, variable) => {
    const given = {
      settings: { ...base, api, provider: "mine" },
      hostEnv: { OPENAI_API_KEY: "o", ANTHROPIC_API_KEY: "a" },
    };
    expect(configOf(given).provider?.["mine"]).toMatchObject({
      npm,
      options: { apiKey: `{env:${variable}}` },
    });
  });

  it.each([
    ["big", "agentcore/big"],
    ["agentcore/big", "agentcore/big"],
    ["meta/llama", "agentcore/meta/llama"],
  ])("knows the model %s as %s", (model, full) => {
    expect(configOf({ settings: { base_url: base.base_url }, task: { model } }).model).toBe(full);
  });

  it("needs a model", () => {
    expect(() => plan({ settings: { base_url: base.base_url } })).toThrow(/needs a model/);
  });

  it("needs no key", () => {
    expect(plan({ settings: base }).home).toBe("own");
  });
});

it.each(["{env:SECRET}", "{file:/etc/passwd}", "a b", "", "--auto"])("refuses %j as a model", (model) => {
  expect(() => plan({ task: { model } })).toThrow(expect.objectContaining({ code: "AC_JOB_INVALID" }));
});

describe("the workspace's own files", () => {
  it.each([
    [{ "AGENTS.md": "x", "CLAUDE.md": "y" }, "AGENTS.md"],
    [{ "CLAUDE.md": "y" }, "CLAUDE.md"],
    [{}, null],
  ])("%j: the prompt has %s", (files, name) => {
    const workspace = workspaceWith(files);
    const expected = name === null ? [] : [join(workspace, name)];
    expect(configOf({ task: { workspace } }).instructions).toEqual(expected);
    expect(configOf({ task: { workspace }, settings: { project_memory: false } }).instructions).toEqual([]);
  });

  const plugin = { ".opencode/plugin/x.ts": "export {}" };

  it.each<[Capability[], Record<string, unknown>, boolean]>([
    [["read"], {}, true],
    [["edit", "run_tests"], {}, true],
    [["run_commands"], {}, false],
    [["read"], { trust_workspace: true }, false],
  ])("with a plugin, a run with %j and %j is refused: %s", (capabilities, settings, refused) => {
    const start = () => plan({ capabilities, settings, task: { workspace: workspaceWith(plugin) } });
    if (refused) expect(start).toThrow(expect.objectContaining({ code: "AC_CAPABILITY_UNSUPPORTED" }));
    else expect(start).not.toThrow();
  });
});

it.each([
  [{ base_url: "not an address" }, /base_url/],
  [{ api: "grpc" }, /api/],
  [{ prices: { input: -1, output: 1 } }, /prices\.input/],
  [{ timeout: "5m" }, /timeout/],
])("refuses the settings %j", (settings, message) => {
  expect(() => plan({ settings })).toThrow(
    expect.objectContaining({ code: "AC_CONFIG_INVALID", message: expect.stringMatching(message) }),
  );
});
