import { afterAll, describe, expect, it } from "vitest";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAgentCoreError } from "@agentcore/contract";
import { loadConfig, trustStoreOf } from "./load.ts";

const root = mkdtempSync(join(tmpdir(), "agentcore-config-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
async function load(text: string | Buffer, env: Record<string, string> = {}) {
  const directory = join(root, String(count++));
  mkdirSync(directory);
  writeFileSync(join(directory, "agentcore.yaml"), text);
  return loadConfig({ cwd: directory, env, path: "agentcore.yaml" });
}

async function errorsOf(text: string | Buffer, env: Record<string, string> = {}): Promise<string[]> {
  const error: unknown = await load(text, env).catch((reason: unknown) => reason);
  if (!isAgentCoreError(error)) throw new Error("the configuration was accepted", { cause: error });
  expect(error.code).toBe("AC_CONFIG_INVALID");
  return error.message.split("\n");
}

it("no file means defaults everywhere", async () => {
  const { config, source } = await loadConfig({ cwd: "/", env: {} });
  expect(source).toBeNull();
  expect(config.workers).toEqual({});
  expect(config.limits.global.concurrency).toBeGreaterThan(0);
});

it("the nearest file upwards is found, unless one is named", async () => {
  const deep = join(root, "up", "a", "b");
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(root, "up", "agentcore.yaml"), "defaults: { max_cost: 1 }\n");
  writeFileSync(join(root, "up", "other.yaml"), "defaults: { worker: shell }\n");
  mkdirSync(join(root, "up", "a", "agentcore.yaml"));
  const found = await loadConfig({ cwd: deep, env: {} });
  expect(found.source).toMatchObject({ path: join(root, "up", "agentcore.yaml"), standing: "untrusted" });
  expect(found.config.defaults).toEqual({ max_cost: 1 });
  const named = await loadConfig({ cwd: deep, env: {}, path: "../../other.yaml" });
  expect(named).toMatchObject({ source: { standing: "named" }, config: { defaults: { worker: "shell" } } });
});

it("of a file that was found only the limits count, until it is trusted with the text that it has", async () => {
  const directory = join(root, "found");
  const env = { HOME: join(root, "home") };
  mkdirSync(directory);
  const file = join(directory, "agentcore.yaml");
  const text =
    "state_dir: ./state\ndefaults: { worker: shell, max_cost: 1 }\nworkers: { a: { adapter: ./a.js }, codex: { env_pass: [KEY] } }\n" +
    "limits: { global: { concurrency: 2 }, tenants: { default: { cost_usd: { day: 3 } } } }\nwatchdog: { silence_max: 9h }\n";
  writeFileSync(file, text);
  const untrusted = await loadConfig({ cwd: directory, env });
  expect(untrusted.ignored).toEqual([
    "state_dir",
    "defaults.worker",
    "workers.a",
    "workers.codex",
    "watchdog",
  ]);
  expect(untrusted.config).toMatchObject({
    defaults: { max_cost: 1 },
    workers: {},
    limits: { global: { concurrency: 2 }, tenants: { default: { cost_usd: { day: 3 } } } },
    watchdog: { silence_max: 7_200_000 },
  });
  expect(untrusted.config.state_dir).toBeUndefined();

  trustStoreOf(env)?.trust(file, text, 0);
  const trusted = await loadConfig({ cwd: directory, env });
  expect(trusted).toMatchObject({ source: { standing: "trusted" }, ignored: [] });
  expect(Object.keys(trusted.config.workers)).toEqual(["a", "codex"]);

  writeFileSync(file, `${text}# changed\n`);
  expect((await loadConfig({ cwd: directory, env })).source?.standing).toBe("untrusted");
});

it("a file that somebody else can change is not used, named or found", async () => {
  const directory = join(root, "exposed");
  mkdirSync(directory);
  writeFileSync(join(directory, "agentcore.yaml"), "limits: { global: { concurrency: 2 } }\n");
  chmodSync(join(directory, "agentcore.yaml"), 0o666);
  const found = await loadConfig({ cwd: directory, env: {} });
  expect(found).toMatchObject({
    source: null,
    refused: { reason: expect.stringContaining("every user can write") },
  });
  expect(found.config.limits.global.concurrency).toBe(4);
  await expect(loadConfig({ cwd: directory, env: {}, path: "agentcore.yaml" })).rejects.toMatchObject({
    code: "AC_CONFIG_EXPOSED",
  });
});

it("a file that cannot be looked at, as a link to itself, is not used, and stops no command", async () => {
  const directory = join(root, "circle");
  mkdirSync(directory);
  symlinkSync("agentcore.yaml", join(directory, "agentcore.yaml"));
  const found = await loadConfig({ cwd: directory, env: {} });
  expect(found).toMatchObject({ source: null, refused: { reason: expect.stringContaining("ELOOP") } });
});

it("ended jobs and workflow runs are kept for a week, or for as long as the file says", async () => {
  expect((await load("")).config.keep_ended).toBe(7 * 86_400_000);
  expect((await load("keep_ended: 12h")).config.keep_ended).toBe(12 * 3_600_000);
});

it("everything that a file may say is read", async () => {
  const { config } = await load(
    `
state_dir: \${BASE}/state
defaults: { worker: mine, capabilities: [read, edit], timeout: 1h30m, max_cost: 2.5, max_attempts: 3 }
workers:
  mine: { adapter: ./mine.js, program: "\${BASE}/bin/mine", settings: { effort: high, list: [1] }, env_pass: [TOKEN] }
limits:
  global: { concurrency: 2 }
`,
    { BASE: "/b" },
  );
  expect(config.state_dir).toBe("/b/state");
  expect(config.defaults).toMatchObject({ timeout: 5_400_000, max_cost: 2.5 });
  expect(config.workers["mine"]).toEqual({
    adapter: "./mine.js",
    program: "/b/bin/mine",
    settings: { effort: "high", list: [1] },
    env_pass: ["TOKEN"],
  });
  expect(config.limits.global.concurrency).toBe(2);
});

describe("a wrong file", () => {
  it("is told with the line and column of each error, all at once", async () => {
    const errors = await errorsOf(
      [
        "defualts:",
        "  worker: codex",
        "defaults:",
        "  timeout: 10",
        "  max_cost: -1",
        "workers:",
        "  codex:",
        "    progam: /x",
        "    env_pass:",
        "      - OK",
        "      - not a name",
        "  Bad_Name: {}",
        "limits:",
        "  global:",
        "    concurency: 2",
        "",
      ].join("\n"),
    );
    expect(errors).toEqual([
      'agentcore.yaml:1:1: defualts: unknown setting; did you mean "defaults"?',
      "agentcore.yaml:4:12: defaults.timeout: a duration needs a unit, such as 30s, 5m or 1h30m",
      expect.stringMatching(/^agentcore\.yaml:5:13: defaults\.max_cost: /),
      'agentcore.yaml:8:5: workers.codex.progam: unknown setting; did you mean "program"?',
      "agentcore.yaml:11:9: workers.codex.env_pass[1]: is not the name of an environment variable",
      expect.stringMatching(/^agentcore\.yaml:12:3: workers\.Bad_Name: the name is not a worker's name/),
      'agentcore.yaml:15:5: limits.global.concurency: unknown setting; did you mean "concurrency"?',
    ]);
  });

  it.each([
    ["a: [1, 2", /^agentcore\.yaml:\d+:\d+: not YAML: /],
    ["\t{", /not YAML/],
    ["a: 1\na: 2\n", /^agentcore\.yaml:2:1: not YAML: the name "a" is there twice/],
    ["just words", /expected settings as `name: value`/],
    ["- a\n- b\n", /expected settings as `name: value`/],
    [Buffer.from([0, 1, 2, 255, 254]), /^agentcore\.yaml is not UTF-8: byte 0xff at offset 3/],
  ])("%j is one clear message", async (text, message) => {
    const errors = await errorsOf(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(message);
  });

  it("names an environment variable that is not set", async () => {
    expect(await errorsOf("state_dir: ${NOWHERE}/x\n")).toEqual([
      "agentcore.yaml:1:12: state_dir: the environment variable NOWHERE is not set",
    ]);
  });

  it("does not expand variables where that is not documented", async () => {
    const { config } = await load("defaults: { model: '${NOWHERE}' }\n");
    expect(config.defaults.model).toBe("${NOWHERE}");
  });

  it("is named when it is not there, or too large", async () => {
    await expect(loadConfig({ cwd: root, env: {}, path: "absent.yaml" })).rejects.toThrow(
      "absent.yaml: there is no such file",
    );
    expect((await errorsOf(`# ${"x".repeat(1024 * 1024)}\n`))[0]).toContain("larger than 1 MiB");
  });
});

it("an empty file is a valid one", async () => {
  expect((await load("")).config.workers).toEqual({});
  expect((await load("# nothing yet\n")).config.workers).toEqual({});
});
