import type { Capability, PlanContext, WorkerTask } from "@agentcore/contract";
import { testCommandPrefixes } from "@agentcore/worker-kit";
import { describe, expect, it } from "vitest";
import { claudeCodeAdapter } from "./adapter.ts";
import { planClaude } from "./plan.ts";

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
    worker: "claude-code",
    workspace: "/workspace",
    instructions: "Fix it.",
    capabilities,
    ...given.task,
  };
  return planClaude(task, {
    grants: {
      capabilities,
      maxCostUsd: null,
      maxTokens: null,
      model: null,
      timeoutMs: 60_000,
      ...given.grants,
    },
    program: "/opt/bin/claude",
    hostEnv: given.hostEnv ?? {},
    attemptDir: "/state/attempt",
    settings: given.settings ?? {},
  });
}

/** The value behind a flag; undefined where the flag is absent. */
function valueOf(args: readonly string[], flag: string): string | undefined {
  const index = args.indexOf(flag);
  return index === -1 ? undefined : args[index + 1];
}

const reading = "Read,Glob,Grep,Task,TaskCreate,TaskGet,TaskList,TaskUpdate";
const editing = "Edit,Write,NotebookEdit";
const testRules = testCommandPrefixes.map((prefix) => `Bash(${prefix}:*)`).join(",");

describe("capabilities become permission flags", () => {
  it.each<[Capability[], string, string, string | undefined]>([
    [["read"], "dontAsk", reading, undefined],
    [["edit"], "acceptEdits", `${reading},${editing}`, undefined],
    [["run_tests"], "dontAsk", `${reading},Bash`, testRules],
    [["edit", "run_tests"], "acceptEdits", `${reading},${editing},Bash`, testRules],
    [["run_commands"], "dontAsk", `${reading},Bash,TaskStop`, "Bash"],
    [["run_tests", "run_commands"], "dontAsk", `${reading},Bash,TaskStop`, "Bash"],
    [["edit", "run_commands"], "acceptEdits", `${reading},${editing},Bash,TaskStop`, "Bash"],
    [[], "dontAsk", reading, undefined],
  ])("%j", (capabilities, mode, tools, allowed) => {
    const { args } = plan({ capabilities });
    expect(valueOf(args, "--permission-mode")).toBe(mode);
    expect(valueOf(args, "--tools")).toBe(tools);
    expect(valueOf(args, "--allowedTools")).toBe(allowed);
  });

  it("follows the grant, not the task, where the grant is smaller", () => {
    const { args } = plan({ capabilities: ["edit"], grants: { capabilities: ["read"] } });
    expect(valueOf(args, "--tools")).toBe(reading);
  });

  it("offers and allows the extra tools of the settings", () => {
    const { args } = plan({ settings: { extra_tools: ["WebFetch"] } });
    expect(valueOf(args, "--tools")).toBe(`${reading},WebFetch`);
    expect(valueOf(args, "--allowedTools")).toBe("WebFetch");
  });
});

describe("the command line", () => {
  it("reads the prompt from stdin and prints JSON lines, with nothing from the workspace's settings files", () => {
    const { command, args, stdin } = plan();
    expect(command).toBe("/opt/bin/claude");
    expect(stdin).toBe("Fix it.");
    expect(args.slice(0, 4)).toEqual(["-p", "--output-format", "stream-json", "--verbose"]);
    expect(valueOf(args, "--setting-sources")).toBe("user");
    expect(args).toContain("--strict-mcp-config");
    expect(args).not.toContain("--include-partial-messages");
  });

  it.each<[string, Given, string | undefined]>([
    ["--model", {}, undefined],
    ["--model", { settings: { model: "haiku" } }, "haiku"],
    ["--model", { settings: { model: "haiku" }, task: { model: "sonnet" } }, "sonnet"],
    ["--model", { task: { model: "sonnet" }, grants: { model: "opus" } }, "opus"],
    ["--max-budget-usd", {}, undefined],
    ["--max-budget-usd", { grants: { maxCostUsd: 2.5 } }, "2.5"],
    ["--max-budget-usd", { grants: { maxCostUsd: 0 } }, undefined],
    ["--max-turns", { settings: { max_turns: 7 } }, "7"],
    ["--resume", { task: { session: "s-1" } }, "s-1"],
    ["--setting-sources", { settings: { setting_sources: ["user", "project"] } }, "user,project"],
    ["--add-dir", {}, "."],
    ["--add-dir", { settings: { project_memory: false } }, undefined],
    ["--max-turns", { task: { maxSteps: 5 } }, "5"],
    ["--max-turns", { task: { maxSteps: 5 }, settings: { max_turns: 7 } }, "5"],
    ["--max-turns", { task: { maxSteps: 9 }, settings: { max_turns: 7 } }, "7"],
    ["--effort", { task: { args: ["--effort", "high"] } }, "high"],
    ["--effort", { task: { variant: "low" } }, "low"],
  ])("%s for %j is %s", (flag, given, value) => {
    expect(valueOf(plan(given).args, flag)).toBe(value);
  });

  it.each<[boolean, Given]>([
    [true, { settings: { partial_messages: true } }],
    [true, { grants: { maxCostUsd: 2 } }],
    [true, { grants: { maxTokens: 1000 } }],
    [false, { grants: { maxCostUsd: 2 }, settings: { partial_messages: false } }],
    [false, {}],
  ])(
    "prints answers piece by piece (%s) where a ceiling needs it or the settings say so: %j",
    (isOn, given) => {
      expect(plan(given).args.includes("--include-partial-messages")).toBe(isOn);
    },
  );

  it("passes a task's own args on, after its variant, so that they count", () => {
    const args = ["--effort", "max", "--append-system-prompt=Be brief."];
    expect(plan({ task: { variant: "low", args } }).args.slice(-3)).toEqual(args);
    expect(() => claudeCodeAdapter.checkArgs?.(args)).not.toThrow();
  });

  it.each([
    [["--dangerously-skip-permissions"]],
    [["--allow-dangerously-skip-permissions"]],
    [["--permission-mode", "bypassPermissions"]],
    [["--allowedTools=Bash"]],
    [["--allowed-tools", "Bash"]],
    [["--add-dir", "/"]],
    [["--settings", "{}"]],
    [["--setting-sources", "project"]],
    [["--mcp-config", "x.json"]],
    [["--output-format", "text"]],
    [["--max-turns", "1000"]],
    [["--max-budget-usd", "1000"]],
    [["--model", "opus"]],
    [["--fallback-model", "opus"]],
    [["--debug-file", "/tmp/x"]],
    [["-c"]],
    [["--effort", "--dangerously-skip-permissions"]],
    [["another prompt"]],
    [["--flag-of-a-later-version"]],
  ])("refuses %j in a task's args", (args) => {
    expect(() => plan({ task: { args } })).toThrow(expect.objectContaining({ code: "AC_JOB_INVALID" }));
  });
});

describe("the environment", () => {
  it("keeps Claude Code from updating itself, from telemetry, and from retrying for minutes", () => {
    expect(plan().env).toEqual({
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      CLAUDE_CODE_MAX_RETRIES: "3",
      API_TIMEOUT_MS: "300000",
      CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: "1",
    });
  });

  it("ends a command at the task's limit, instead of moving it to the background", () => {
    expect(plan({ task: { maxCommandTimeMs: 90_000 } }).env).toMatchObject({
      BASH_DEFAULT_TIMEOUT_MS: "90000",
      BASH_MAX_TIMEOUT_MS: "90000",
      CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    });
  });

  it("takes bounds and address from the settings", () => {
    const settings = { max_retries: 0, request_timeout: "90s", base_url: "https://gateway.example/a" };
    expect(plan({ settings, hostEnv: { ANTHROPIC_BASE_URL: "https://other.example" } }).env).toMatchObject({
      CLAUDE_CODE_MAX_RETRIES: "0",
      API_TIMEOUT_MS: "90000",
      ANTHROPIC_BASE_URL: "https://gateway.example/a",
    });
  });

  it.each<[Record<string, string>, "own" | "user", Record<string, string>]>([
    [{}, "user", {}],
    [{ ANTHROPIC_API_KEY: "" }, "user", {}],
    [{ CLAUDE_CONFIG_DIR: "/home/me/claude" }, "user", { CLAUDE_CONFIG_DIR: "/home/me/claude" }],
    [{ ANTHROPIC_API_KEY: "k", CLAUDE_CONFIG_DIR: "/home/me/claude" }, "own", { ANTHROPIC_API_KEY: "k" }],
    [{ ANTHROPIC_AUTH_TOKEN: "t" }, "own", { ANTHROPIC_AUTH_TOKEN: "t" }],
    [{ CLAUDE_CODE_OAUTH_TOKEN: "o" }, "own", { CLAUDE_CODE_OAUTH_TOKEN: "o" }],
    [{ OPENAI_API_KEY: "x", SECRET: "y" }, "user", {}],
  ])("with %j the HOME is %s and %j is passed on", (hostEnv, home, passed) => {
    const planned = plan({ hostEnv });
    expect(planned.home).toBe(home);
    expect(planned.env).toEqual({ ...plan().env, ...passed });
  });

  it("takes the key from the variable that the settings name, and refuses to start without it", () => {
    const settings = { api_key_env: "TEAM_KEY" };
    expect(plan({ settings, hostEnv: { TEAM_KEY: "k", ANTHROPIC_API_KEY: "mine" } }).env).toMatchObject({
      ANTHROPIC_API_KEY: "k",
    });
    expect(() => plan({ settings })).toThrow(/TEAM_KEY is not set/);
  });

  it("counts a key that the task brings as a credential", () => {
    expect(plan({ task: { env: { ANTHROPIC_API_KEY: "per-run" } } }).home).toBe("own");
  });
});

describe("the settings", () => {
  it.each([
    [{ max_retry: 1 }, /max_retry/],
    [{ max_turns: 0 }, /max_turns/],
    [{ request_timeout: "10" }, /request_timeout.*unit/],
    [{ setting_sources: ["everything"] }, /setting_sources/],
    [{ extra_tools: ["Bash(rm:*)"] }, /extra_tools/],
  ])("refuse %j", (settings, message) => {
    expect(() => plan({ settings })).toThrow(
      expect.objectContaining({ code: "AC_CONFIG_INVALID", message: expect.stringMatching(message) }),
    );
  });
});
