import type { Capability, PlanContext, WorkerTask } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { codexAdapter } from "./adapter.ts";
import { planCodex } from "./plan.ts";

interface Given {
  readonly capabilities?: readonly Capability[];
  readonly task?: Partial<WorkerTask>;
  readonly grants?: Partial<PlanContext["grants"]>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly hostEnv?: Readonly<Record<string, string>>;
}

function plan(given: Given = {}) {
  const capabilities = [...(given.capabilities ?? ["read"])] as Capability[];
  const task: WorkerTask = {
    worker: "codex",
    workspace: "/workspace",
    instructions: "Fix it.",
    capabilities,
    ...given.task,
  };
  return planCodex(task, {
    grants: {
      capabilities,
      maxCostUsd: null,
      maxTokens: null,
      model: null,
      timeoutMs: 60_000,
      ...given.grants,
    },
    program: "/opt/bin/codex",
    hostEnv: given.hostEnv ?? {},
    attemptDir: "/state/attempt",
    settings: given.settings ?? {},
  });
}

/** The configuration that `-c` flags make, key by key, as TOML text. */
function configOf(args: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    args.flatMap((arg, index) => {
      if (args[index - 1] !== "-c") return [];
      const equals = arg.indexOf("=");
      return [[arg.slice(0, equals), arg.slice(equals + 1)]];
    }),
  );
}

describe("capabilities become the sandbox", () => {
  it.each<[Capability[], string]>([
    [[], "read-only"],
    [["read"], "read-only"],
    [["run_tests"], "read-only"],
    [["edit"], "workspace-write"],
    [["edit", "run_tests"], "workspace-write"],
    [["run_commands"], "workspace-write"],
    [["read", "edit", "run_tests", "run_commands"], "workspace-write"],
  ])("%j is %s", (capabilities, mode) => {
    expect(configOf(plan({ capabilities }).args)["sandbox_mode"]).toBe(`"${mode}"`);
  });

  it("follows the grant, not the task, where the grant is smaller", () => {
    const grants = { capabilities: ["read"] as Capability[] };
    expect(configOf(plan({ capabilities: ["run_commands"], grants }).args)["sandbox_mode"]).toBe(
      '"read-only"',
    );
  });

  it.each([
    [{}, undefined],
    [{ network: true }, "true"],
  ])("opens the network for commands only where %j says so", (settings, value) => {
    const { args } = plan({ capabilities: ["run_commands"], settings });
    expect(configOf(args)["sandbox_workspace_write.network_access"]).toBe(value);
  });
});

describe("the command line", () => {
  it("reads the prompt from stdin and prints JSON lines", () => {
    const { command, args, stdin } = plan();
    expect(command).toBe("/opt/bin/codex");
    expect(stdin).toBe("Fix it.");
    expect(args.slice(0, 4)).toEqual(["exec", "--json", "--skip-git-repo-check", "--ignore-rules"]);
  });

  it("resumes a session with the same configuration", () => {
    const fresh = plan({ hostEnv: { OPENAI_API_KEY: "k" } });
    const resumed = plan({ hostEnv: { OPENAI_API_KEY: "k" }, task: { session: "01a2" } });
    expect(resumed.args.slice(0, 2)).toEqual(["exec", "resume"]);
    expect(resumed.args.slice(-2)).toEqual(["01a2", "-"]);
    expect(configOf(resumed.args)).toEqual(configOf(fresh.args));
  });

  it("takes away what its sandbox leaves in the workspace", () => {
    expect(plan().leavesEmpty).toEqual([".agents", ".aws", ".codex"]);
  });

  it("closes the doors to the network of its makers and to endless retries", () => {
    expect(configOf(plan().args)).toEqual({
      projects: '{"/workspace"={trust_level="untrusted"},"/"={trust_level="untrusted"}}',
      sandbox_mode: '"read-only"',
      "features.plugins": "false",
      "features.apps": "false",
      "features.unbounded_connection_retries": "false",
      "analytics.enabled": "false",
      check_for_update_on_startup: "false",
      web_search: '"disabled"',
      "shell_environment_policy.exclude": '["CODEX_API_KEY","OPENAI_API_KEY","AGENTCORE_SPEND_GATE_KEY"]',
    });
  });

  it.each<[Given, string | undefined]>([
    [{}, undefined],
    [{ settings: { model: "small" } }, "small"],
    [{ settings: { model: "small" }, task: { model: "big" } }, "big"],
    [{ task: { model: "big" }, grants: { model: "granted" } }, "granted"],
  ])("the model for %j is %s", (given, model) => {
    const { args } = plan(given);
    const index = args.indexOf("--model");
    expect(index === -1 ? undefined : args[index + 1]).toBe(model);
  });

  it("passes a task's own args on, before the session", () => {
    const args = ["-c", 'model_reasoning_effort="high"'];
    expect(plan({ task: { args } }).args.slice(-2)).toEqual(args);
    expect(plan({ task: { args, session: "s" } }).args.slice(-4)).toEqual([...args, "s", "-"]);
  });

  it.each([
    ["high", '"high"'],
    ["x-high", '"x-high"'],
  ])("the variant %s is the effort %s", (variant, effort) => {
    expect(configOf(plan({ task: { variant } }).args)["model_reasoning_effort"]).toBe(effort);
  });

  it("lets the args of a task count before its variant", () => {
    const args = ["-c", "model_reasoning_effort=low"];
    expect(configOf(plan({ task: { variant: "high", args } }).args)["model_reasoning_effort"]).toBe("low");
    expect(() => codexAdapter.checkArgs?.(args)).not.toThrow();
  });

  it.each([
    [["--sandbox", "danger-full-access"]],
    [["-sdanger-full-access"]],
    [["--dangerously-bypass-approvals-and-sandbox"]],
    [["-c", 'sandbox_mode="danger-full-access"']],
    [["-c", "features.plugins=true"]],
    [["--config=model_providers.agentcore.base_url=x"]],
    [["-c", "shell_environment_policy.exclude=[]"]],
    [["-c", "sandbox_workspace_write.network_access=true"]],
    [["-c", "web_search=live"]],
    [["-c", 'model="big"']],
    [["-c", 'notify=["sh"]']],
    [["-csandbox_mode=x"]],
    [["-c", "--full-auto"]],
    [["--search"]],
    [["--output-schema", "/etc/passwd"]],
    [["resume", "01a2"]],
    [["--"]],
    [["--flag-of-a-later-version"]],
  ])("refuses %j in a task's args", (args) => {
    expect(() => plan({ task: { args } })).toThrow(expect.objectContaining({ code: "AC_JOB_INVALID" }));
  });
});

describe("the provider", () => {
  it("is the built-in one, with the user's login, where there is no key", () => {
    const planned = plan({ hostEnv: { CODEX_HOME: "/home/me/.codex-work" } });
    expect(planned.home).toBe("user");
    expect(planned.env).toEqual({ CODEX_HOME: "/home/me/.codex-work" });
    expect(configOf(planned.args)["model_provider"]).toBeUndefined();
  });

  it("is one with bounded retries, over plain HTTP, where there is a key", () => {
    const planned = plan({ hostEnv: { OPENAI_API_KEY: "k", CODEX_HOME: "/home/me/.codex-work" } });
    expect(planned.home).toBe("own");
    expect(planned.env).toEqual({ OPENAI_API_KEY: "k" });
    expect(configOf(planned.args)).toMatchObject({
      model_provider: '"agentcore"',
      "model_providers.agentcore.base_url": '"https://api.openai.com/v1"',
      "model_providers.agentcore.wire_api": '"responses"',
      "model_providers.agentcore.env_key": '"OPENAI_API_KEY"',
      "model_providers.agentcore.request_max_retries": "2",
      "model_providers.agentcore.stream_max_retries": "2",
      "model_providers.agentcore.stream_idle_timeout_ms": "300000",
    });
  });

  it.each<[string, Given, string, string | undefined]>([
    [
      "the caller's address",
      { hostEnv: { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "http://h/v1" } },
      "http://h/v1",
      "k",
    ],
    [
      "the settings' address",
      {
        hostEnv: { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "http://h/v1" },
        settings: { base_url: "http://s/v1" },
      },
      "http://s/v1",
      "k",
    ],
    ["an address without a key", { settings: { base_url: "http://s/v1" } }, "http://s/v1", undefined],
    [
      "the key that the settings name",
      { hostEnv: { TEAM: "t", OPENAI_API_KEY: "k" }, settings: { api_key_env: "TEAM" } },
      "https://api.openai.com/v1",
      "t",
    ],
    ["Codex's own variable", { hostEnv: { CODEX_API_KEY: "c" } }, "https://api.openai.com/v1", "c"],
    ["the task's own key", { task: { env: { OPENAI_API_KEY: "p" } } }, "https://api.openai.com/v1", "p"],
  ])("takes %s", (_, given, address, key) => {
    const planned = plan(given);
    const config = configOf(planned.args);
    expect(planned.home).toBe("own");
    expect(config["model_providers.agentcore.base_url"]).toBe(JSON.stringify(address));
    expect(planned.env["OPENAI_API_KEY"]).toBe(key);
    expect(config["model_providers.agentcore.env_key"]).toBe(
      key === undefined ? undefined : '"OPENAI_API_KEY"',
    );
  });

  it("takes its bounds from the settings", () => {
    const settings = { max_retries: 0, stream_idle_timeout: "30s" };
    expect(configOf(plan({ settings, hostEnv: { OPENAI_API_KEY: "k" } }).args)).toMatchObject({
      "model_providers.agentcore.request_max_retries": "0",
      "model_providers.agentcore.stream_max_retries": "0",
      "model_providers.agentcore.stream_idle_timeout_ms": "30000",
    });
  });
});

it.each([
  [{ sandbox: "x" }, /sandbox/],
  [{ max_retries: -1 }, /max_retries/],
  [{ stream_idle_timeout: 5 }, /unit/],
])("refuses the settings %j", (settings, message) => {
  expect(() => plan({ settings })).toThrow(
    expect.objectContaining({ code: "AC_CONFIG_INVALID", message: expect.stringMatching(message) }),
  );
});
