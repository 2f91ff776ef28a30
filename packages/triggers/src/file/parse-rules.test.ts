/** The rules of the daemon file, each with a file that breaks it. */
import { formatProblem } from "@agentcore/yaml-file";
import { expect, it } from "vitest";
import type { DaemonDefinition } from "../definition.ts";
import { parseDaemonFile, type ParseDaemonRequest } from "./parse-daemon-file.ts";

const request = (text: string, extra: Partial<ParseDaemonRequest> = {}): ParseDaemonRequest => ({
  text,
  file: "d.yaml",
  cwd: "/home/me",
  env: { PLACE: "/srv/place", SECRET: "a long secret of the file" },
  timeZone: "Europe/Berlin",
  ...extra,
});

/** `place: message` of each error. */
async function problemsOf(text: string, extra: Partial<ParseDaemonRequest> = {}): Promise<string[]> {
  const parsed = await parseDaemonFile(request(text, extra));
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

async function definitionOf(text: string): Promise<DaemonDefinition> {
  const parsed = await parseDaemonFile(request(text));
  if (!parsed.ok) expect.fail(parsed.problems.map(formatProblem).join("\n"));
  return parsed.definition;
}

const head = `name: d\nversion: "1"\nworkspace: /srv\n`;
const withEvent = (event: string): string =>
  `${head}events: { e: { ${event} } }\ntriggers: { t: { on: e, workflow: w.yaml } }\n`;
const withTrigger = (keys: string, top = ""): string =>
  `${head}${top}events: { e: { type: queue, topic: e } }\ntriggers: { t: { on: e, workflow: w.yaml, ${keys} } }\n`;
const withTop = (keys: string): string => `${withEvent("type: queue, topic: e")}${keys}\n`;

it.each(["name", "version", "workspace", "events", "triggers"])("a file needs its %s", async (key) => {
  const without = withTop("").replace(new RegExp(`^${key}: .*\n`, "m"), "");
  expect((await problemsOf(without)).join("\n")).toContain(`${key}: is required`);
});

it.each([
  ["version", withTop("").replace('"1"', "1"), 'd.yaml:2:10: version: the version is "1", in quotes'],
  ["events", `${head}events: {}\ntriggers: { t: { on: e, workflow: w } }\n`, "events: has no event"],
  ["triggers", `${head}events: { e: { type: queue, topic: e } }\ntriggers: {}\n`, "triggers: has no trigger"],
  ["max_concurrent_workflows", withTop("max_concurrent_workflows: 0"), "is 0; write at least 1"],
  ["max_concurrent_workflows", withTop("max_concurrent_workflows: 101"), "is 101; write at most 100"],
  ["budget", withTop("budget: { per: day }"), "budget: limits nothing; write cost_usd or tokens"],
  ["budget", withTop("budget: { cost_usd: 1 }"), "budget.per: is required; write one of hour, day, month"],
  ["server.token", withTop("server: { token: short }"), "is shorter than 16 characters"],
  ["server.socket", withTop(`server: { socket: ${"s".repeat(108)} }`), "a socket at most 107"],
  ["server.http", withTop("server: { http: { port: 65536 } }"), "is 65536; write at most 65535"],
  ["server.http.names", withTop("server: { http: { port: 1, names: ['a:1'] } }"), "write it without a port"],
  ["an id", withTop("").replace("e: {", "a b: {"), "events.a b: the name is not an id"],
  ["an unknown key", withTop("descripton: x"), 'unknown setting; did you mean "description"?'],
  ["a word of another system", withTop("").replace("on: e", "event: e"), "it is called on here"],
])("the top level has rules: %s", async (_what, text, problem) => {
  expect((await problemsOf(text)).join("\n")).toContain(problem);
});

it("a file over 1 MiB is refused before it is read", async () => {
  expect(await problemsOf(`#${"x".repeat(1024 * 1024)}`)).toEqual([
    "d.yaml:1:1: the file is larger than 1 MiB",
  ]);
});

it("keys that begin with x- hold anchors", async () => {
  const text = `x-keys: &keys { cooldown: 5m }\n${withTrigger("<<: *keys")}`;
  expect((await definitionOf(text)).triggers.get("t")?.cooldownMs).toBe(300_000);
});

it("variables are expanded in workspace, state_dir, log_dir, workflow, secret and token", async () => {
  const text = `name: d
version: "1"
workspace: \${PLACE}
state_dir: \${PLACE}/state
log_dir: $\${PLACE}
server: { token: "\${SECRET}" }
events: { e: { type: webhook, path: /h, secret: "\${SECRET}" } }
triggers: { t: { on: e, workflow: "\${PLACE}/w.yaml" } }
`;
  const definition = await definitionOf(text);
  expect(definition).toMatchObject({
    workspace: "/srv/place",
    stateDir: "/srv/place/state",
    logDir: "/srv/place/${PLACE}",
    server: { token: "a long secret of the file" },
  });
  expect(definition.sources.get("e")).toMatchObject({ secret: "a long secret of the file" });
  expect(definition.triggers.get("t")?.workflow).toBe("/srv/place/w.yaml");
  const unset = await problemsOf(text, { env: {} });
  expect(unset).toHaveLength(5);
  for (const problem of unset)
    expect(problem).toMatch(/the environment variable (?:PLACE|SECRET) is not set/);
});

it("variables are expanded nowhere else", async () => {
  expect(await problemsOf(withTop("agents_file: ${PLACE}/agents.yaml"))).toEqual([
    "d.yaml:6:14: agents_file: no variable is expanded here; write the path itself",
  ]);
  const { sources } = await definitionOf(withEvent('type: command, command: "echo ${PLACE}", interval: 5s'));
  expect(sources.get("e")).toMatchObject({ command: "echo ${PLACE}" });
});

it("relative paths are relative to the workspace, and the workspace to the current directory", async () => {
  const text = withTop("state_dir: s\nlog_dir: l\nagents_file: a.yaml").replace("/srv", "here");
  expect(await definitionOf(text)).toMatchObject({
    workspace: "/home/me/here",
    stateDir: "/home/me/here/s",
    logDir: "/home/me/here/l",
    agentsFile: "/home/me/here/a.yaml",
    server: { socket: "/home/me/here/s/daemon.sock" },
  });
});

it.each([
  ["a type", "every: 5s", "events.e.type: is required; write one of interval, cron"],
  ["a type that there is", "type: crn, schedule: x", 'did you mean "cron"?'],
  ["interval: every", "type: interval", "events.e.every: is required"],
  ["interval: a unit", "type: interval, every: 30", "a duration needs a unit"],
  ["interval: at least 1s", "type: interval, every: 200ms", "is shorter than 1s"],
  ["cron: five fields", 'type: cron, schedule: "* * * * * *"', "five fields"],
  ["cron: no nickname", 'type: cron, schedule: "@daily"', "five fields"],
  ["cron: values in range", 'type: cron, schedule: "60 * * * *"', "Invalid value for minute: 60"],
  ["cron: a day that exists", 'type: cron, schedule: "0 0 30 2 *"', "names a day that no calendar has"],
  [
    "cron: timezone",
    'type: cron, schedule: "0 0 * * *", timezone: Europe/Berln',
    'did you mean "Europe/Berlin"?',
  ],
  [
    "cron: no offset",
    'type: cron, schedule: "0 0 * * *", timezone: "+01:00"',
    "is not the name of a time zone",
  ],
  ["cron: missed", 'type: cron, schedule: "0 0 * * *", missed: some', "is not one of skip, once, all"],
  ["fswatch: paths", "type: fswatch, paths: []", "events.e.paths: is empty; write something"],
  ["fswatch: inside", "type: fswatch, paths: [../x]", "is outside the workspace"],
  ["fswatch: events", "type: fswatch, paths: [a], events: [created]", 'did you mean "create"?'],
  ["webhook: path", "type: webhook, path: hook", "is not the path of a URL"],
  ["webhook: no query", "type: webhook, path: /a?b", "is not the path of a URL"],
  ["webhook: port", "type: webhook, path: /a, port: 70000", "is 70000; write at most 65535"],
  ["webhook: method", "type: webhook, path: /a, method: HEAD", "is not one of POST, PUT, PATCH, GET, DELETE"],
  ["webhook: secret", 'type: webhook, path: /a, secret: ""', "is empty; write something"],
  ["command: command", 'type: command, command: " ", interval: 5s', "is empty; write something"],
  ["command: at least 1s", "type: command, command: x, interval: 0s", "is shorter than 1s"],
  [
    "command: trigger_on",
    "type: command, command: x, interval: 5s, trigger_on: never",
    "is not one of change",
  ],
  ["queue: topic", "type: queue, topic: a b", "is not a topic"],
])("an event has rules: %s", async (_what, event, problem) => {
  expect((await problemsOf(withEvent(event))).join("\n")).toContain(problem);
});

it.each([
  [
    'type: cron, schedule: "0 9 * * 7"',
    { timezone: "Europe/Berlin", missed: "once", catchupWindowMs: 3_600_000 },
  ],
  ["type: fswatch, paths: [a]", { ignore: [], events: ["create", "modify", "delete"] }],
  ["type: webhook, path: /a, method: put", { port: 8080, host: "127.0.0.1", method: "PUT", secret: null }],
  ["type: command, command: x, interval: 2s", { triggerOn: "change", intervalMs: 2000 }],
  ["type: queue, topic: a/b.c:d-e", { topic: "a/b.c:d-e" }],
])("an event has defaults: %s", async (event, expected) => {
  expect((await definitionOf(withEvent(event))).sources.get("e")).toMatchObject(expected);
});

it("webhooks of a port have one host and different paths, and not the port of the API", async () => {
  const text = `${head}server: { http: { port: 9000 } }
events:
  a: { type: webhook, path: /a }
  b: { type: webhook, path: /a, port: 8080 }
  c: { type: webhook, path: /c, host: 0.0.0.0 }
  d: { type: webhook, path: /a, port: 9000 }
triggers: { t: { on: a, workflow: w }, u: { on: b, workflow: w }, v: { on: c, workflow: w }, w: { on: d, workflow: w } }
`;
  expect(await problemsOf(text)).toEqual([
    'd.yaml:7:29: events.b.path: "a" has the path /a on port 8080 already; write another one',
    'd.yaml:8:39: events.c.host: port 8080 listens at 127.0.0.1 for "a"; write the same host, or another port',
    "d.yaml:9:39: events.d.port: port 9000 is that of the API (server.http); write another one",
  ]);
});

const gate = "worker: shell, instructions: x, capabilities: [read]";

it.each([
  ["filter: a path", "filter: { a..b: 1 }", "is not a path, such as body.action"],
  [
    "filter: a pattern",
    'filter: { a: { pattern: "(" } }',
    "is not a regular expression: /(/: Unterminated group",
  ],
  [
    "filter: a short pattern",
    `filter: { a: { pattern: ${"x".repeat(1001)} } }`,
    "is longer than 1000 characters",
  ],
  ["filter: one condition", "filter: { a: { pattern: x, in: [y] } }", "write either pattern or in"],
  ["filter: its keys", "filter: { a: { patern: x } }", 'did you mean "pattern"?'],
  ["filter: values", "filter: { a: [1] }", "write a value, { pattern: REGEX } or { in: [VALUES] }"],
  ["durations", "cooldown: 5", "a duration needs a unit"],
  ["max_queue", "max_queue: 0", "is 0; write at least 1"],
  [
    "max_retries",
    "on_workflow_failure: pause_trigger, max_retries: 0",
    "write at least 1, the failures before",
  ],
  ["on_workflow_failure", "on_workflow_failure: stop", "is not one of ignore, retry, pause_trigger"],
  ["dedup", "dedup: reject", "has no effect without key"],
  ["overlap", "overlap: queue", "is not one of skip, buffer_one, buffer_all, cancel_other, allow_all"],
  ["start_at", "start_at: 2026-12-01T09:00:00", "is not a moment with its offset"],
  ["end_at", "start_at: 2026-12-01T09:00:00Z, end_at: 2026-12-01T09:00:00+01:00", "is not after start_at"],
  ["max_runs", "max_runs: 0", "is 0; write at least 1"],
  ["max_chain_depth", "max_chain_depth: 101", "is 101; write at most 100"],
  ["evaluate: somebody", "evaluate: { instructions: x }", "nobody does it; write worker or agent"],
  ["evaluate: one", `evaluate: { ${gate}, agent: a }`, "leave out one of the two"],
  ["evaluate: capabilities", "evaluate: { worker: shell, instructions: x }", "needs capabilities"],
  ["evaluate: agents_file", "evaluate: { agent: a, instructions: x }", "write agents_file at the top"],
  ["evaluate: timeout", `evaluate: { ${gate}, timeout: 0s }`, "is no time at all"],
  [
    "evaluate: no outputs",
    `evaluate: { ${gate}, outputs: [] }`,
    "triggers.t.evaluate.outputs: unknown setting",
  ],
  ["analyze: outputs", `analyze: { ${gate}, outputs: [{ name: a, path: /x }] }`, "is outside the workspace"],
  [
    "analyze: names",
    `analyze: { ${gate}, outputs: [{ name: a, path: x }, { name: a, path: y }] }`,
    '"a" is there twice',
  ],
  ["context.env: names", "context: { env: { 1A: x } }", "is not the name of an environment variable"],
  ["context.env: forbidden", "context: { env: { LD_PRELOAD: x } }", "LD_PRELOAD is passed to no worker"],
  ["context.env: its own", "context: { env: { AGENTCORE_X: x } }", "AGENTCORE_X is set by the run"],
  ["key: names", 'key: "{{evnt.id}}"', 'there is no evnt here; did you mean "event"?'],
  [
    "key: no values of a gate",
    'key: "{{timestamp}}"',
    "there is no timestamp here; available: event, trigger_id",
  ],
  ["templates: no $", "key: '${{event.id}}'", "write {{event.id}} without the $ before it"],
  [
    "templates: no arithmetic",
    'evaluate: { worker: CUSTOM, instructions: "echo $(( {{event.n}} + 1 ))", capabilities: [read] }',
    "in (( … )), bash runs commands that the value of {{event.n}} contains; compare it as a text",
  ],
  [
    "templates: no value in a script for another shell",
    `analyze: { worker: shell, instructions: 'sh -c "echo {{event.n}}"', capabilities: [read] }`,
    "in sh -c, bash runs the value of {{event.n}} as code; pass it as an argument",
  ],
])("a trigger has rules: %s", async (_what, keys, problem) => {
  expect((await problemsOf(withTrigger(keys))).join("\n")).toContain(problem);
});

it("a trigger names an event that there is", async () => {
  expect(await problemsOf(withTrigger("").replace("on: e", "on: x"))).toEqual([
    'd.yaml:5:22: triggers.t.on: no event has the id "x"; there is e',
  ]);
});

it("a trigger is read with all of its settings", async () => {
  const keys = `enabled: false, filter: { a.b: 1, c: { pattern: x }, d: { in: [y, null] } }, debounce: 1s, cooldown: 2s,
    max_queue: 3, on_workflow_failure: retry, max_retries: 4, overlap: skip, jitter: 5s, max_runs: 6, max_chain_depth: 0,
    start_at: 2026-12-01T09:00:00+01:00, end_at: 2026-12-02T00:00:00Z, key: "{{event.id}}", dedup: reject,
    budget: { cost_usd: 1.5, tokens: 10, per: hour },
    context: { env: { A: 3.10, B: true }, last_result: true, event_payload: true },
    evaluate: { worker: CLAUDE_CODE, instructions: x, capabilities: [READ] },
    analyze: { agent: a, instructions: y, timeout: 1m, outputs: [{ name: o, path: o.md }] }`;
  const { triggers } = await definitionOf(withTrigger(keys, "agents_file: agents.yaml\n"));
  expect(triggers.get("t")).toEqual({
    id: "t",
    on: "e",
    workflow: "/srv/w.yaml",
    enabled: false,
    filter: [
      { path: ["a", "b"], equals: 1 },
      { path: ["c"], pattern: "x" },
      { path: ["d"], oneOf: ["y", null] },
    ],
    debounceMs: 1000,
    cooldownMs: 2000,
    maxQueue: 3,
    onFailure: "retry",
    maxRetries: 4,
    overlap: "skip",
    jitterMs: 5000,
    maxRuns: 6,
    maxChainDepth: 0,
    startAt: Date.UTC(2026, 11, 1, 8),
    endAt: Date.UTC(2026, 11, 2),
    key: "{{event.id}}",
    dedup: "reject",
    budget: { costUsd: 1.5, tokens: 10, per: "hour" },
    context: { env: { A: "3.10", B: "true" }, lastResult: true, eventPayload: true },
    evaluate: {
      worker: "claude-code",
      agent: null,
      instructions: "x",
      capabilities: ["read"],
      timeoutMs: 30_000,
    },
    analyze: {
      worker: null,
      agent: "a",
      instructions: "y",
      capabilities: null,
      timeoutMs: 60_000,
      outputs: [{ name: "o", path: "o.md" }],
    },
  });
});

it("log_dir is read for files of other systems, and a warning says that it has no effect", async () => {
  const parsed = await parseDaemonFile(request(withTop("log_dir: logs")));
  expect(parsed.ok && parsed.warnings.map(formatProblem)).toEqual([
    expect.stringMatching(/^d\.yaml:6:1: log_dir: has no effect: the daemon's log is on stderr/),
  ]);
});

it("events that nothing waits for, and unknown names in instructions, are warnings", async () => {
  const text = withTrigger(
    `evaluate: { worker: shell, instructions: "echo {{trigger_idd}} {{steps}} {{trigger_id.x}}", capabilities: [read] }`,
  ).replace("events: { e:", "events: { other: { type: queue, topic: o }, e:");
  const parsed = await parseDaemonFile(request(text));
  expect(parsed.ok && parsed.warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      '{{trigger_idd}} stays as it is: there is no trigger_idd here; did you mean "trigger_id"?',
    ),
    expect.stringContaining("{{steps}} stays as it is: there is no steps here; available: event"),
    expect.stringContaining("{{trigger_id.x}} stays as it is: trigger_id has no fields"),
    "events.other: no trigger waits for it",
  ]);
});

it("workflow files are looked up once each, a missing one is an error of its trigger", async () => {
  const asked: string[] = [];
  const text = `${head}events: { e: { type: queue, topic: e } }
triggers: { t: { on: e, workflow: w.yaml }, u: { on: e, workflow: w.yaml }, v: { on: e, workflow: bad.yaml } }
`;
  const problems = await problemsOf(text, {
    checkWorkflow: (file) => {
      asked.push(file);
      return Promise.resolve(
        file === "/srv/w.yaml" ? null : [{ file, line: 3, column: 1, message: "is wrong" }],
      );
    },
  });
  expect(asked).toEqual(["/srv/w.yaml", "/srv/bad.yaml"]);
  expect(problems).toEqual([
    "d.yaml:5:35: triggers.t.workflow: there is no workflow file /srv/w.yaml",
    "d.yaml:5:67: triggers.u.workflow: there is no workflow file /srv/w.yaml",
    "/srv/bad.yaml:3:1: is wrong",
  ]);
});

it("whatever is in a file, it is read or refused with a place", async () => {
  for (const text of [
    "",
    "[]",
    "a: [",
    "5",
    "events: 5",
    "triggers: { t: 5 }",
    "events: { e: [] }",
    "a: &a [*a]",
  ])
    for (const problem of await problemsOf(text)) expect(problem).toMatch(/^d\.yaml:\d+:\d+: /);
  expect(
    await problemsOf("events: { e: 5 }\ntriggers: { t: { on: 5, evaluate: 1, filter: 2 } }"),
  ).not.toEqual([]);
});
