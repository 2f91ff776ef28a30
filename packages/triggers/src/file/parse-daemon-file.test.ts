import { formatProblem } from "@agentcore/yaml-file";
import { describe, expect, it } from "vitest";
import { parseDaemonFile, type ParseDaemonResult } from "./parse-daemon-file.ts";

const env = { PLACE: "/srv/place", SECRET: "a long secret of the file" };

const parse = async (text: string, extra: object = {}): Promise<ParseDaemonResult> =>
  parseDaemonFile({
    text,
    file: "/d/daemon.yaml",
    cwd: "/home/me",
    env,
    timeZone: "Europe/Berlin",
    ...extra,
  });

const least = `name: little
version: "1"
workspace: /srv
events:
  tick: { type: interval, every: 30s }
triggers:
  check: { on: tick, workflow: ./check.yaml }
`;

const problemsOf = async (text: string): Promise<string[]> => {
  const parsed = await parse(text);
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
};

it("a file with little is read with its defaults", async () => {
  const parsed = await parse(least);
  expect(parsed).toMatchObject({
    ok: true,
    warnings: [],
    definition: {
      name: "little",
      description: null,
      file: "/d/daemon.yaml",
      workspace: "/srv",
      stateDir: "/srv/.daemon-state",
      logDir: null,
      agentsFile: null,
      maxConcurrentWorkflows: 5,
      budget: null,
      server: { socket: "/srv/.daemon-state/daemon.sock", http: null, token: null },
    },
  });
  if (!parsed.ok) return;
  expect(parsed.definition.sources.get("tick")).toEqual({ type: "interval", everyMs: 30_000 });
  expect(parsed.definition.triggers.get("check")).toEqual({
    id: "check",
    on: "tick",
    workflow: "/srv/check.yaml",
    enabled: true,
    filter: [],
    debounceMs: 0,
    cooldownMs: 0,
    maxQueue: 10,
    onFailure: "ignore",
    maxRetries: 3,
    evaluate: null,
    analyze: null,
    context: { env: {}, lastResult: false, eventPayload: false },
    key: null,
    dedup: "coalesce",
    budget: null,
    overlap: "buffer_all",
    jitterMs: 0,
    startAt: null,
    endAt: null,
    maxRuns: null,
    maxChainDepth: 3,
  });
});

describe("an unknown setting of an event", () => {
  it("is corrected with the settings of its type", async () => {
    expect(await problemsOf(least.replace("every: 30s", "every: 30s, evry: 1s"))).toEqual([
      '/d/daemon.yaml:5:39: events.tick.evry: unknown setting; did you mean "every"?',
    ]);
  });
});

it("all errors come at once, each with its place and its cure", async () => {
  const text = least
    .replace("type: interval", "type: intervall")
    .replace("on: tick", "on: tock, workflw: x")
    .replace("/srv\n", "${NOWHERE}\n");
  expect(await problemsOf(text)).toMatchInlineSnapshot(`
    [
      "/d/daemon.yaml:3:12: workspace: the environment variable NOWHERE is not set",
      "/d/daemon.yaml:5:17: events.tick.type: "intervall" is not one of interval, cron, fswatch, webhook, command, queue; did you mean "interval"?",
      "/d/daemon.yaml:7:16: triggers.check.on: no event has the id "tock"; did you mean "tick"?",
      "/d/daemon.yaml:7:22: triggers.check.workflw: unknown setting; did you mean "workflow"?",
    ]
  `);
});
