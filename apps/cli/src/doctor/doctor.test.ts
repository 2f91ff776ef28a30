import { describe, expect, it } from "vitest";
import { limitEnforcement, type ContainmentProbe, type ImplementationReport } from "@agentcore/containment";
import type { WorkerAdapter } from "@agentcore/contract";
import { configSchema } from "../config/schema.ts";
import { textOf } from "../screen/line.ts";
import { doctorLines } from "./doctor-screen.ts";
import { noConfig } from "../config/load.ts";
import { configurationCheck, containmentCheck, quarantineCheck, runLimitsCheck } from "./examine.ts";
import { isBroken, withPrice, workerReport } from "./workers.ts";

const adapter: Pick<WorkerAdapter, "name" | "title" | "capabilities" | "program"> = {
  name: "codex",
  title: "Codex CLI",
  capabilities: ["read", "edit"],
  program: {
    command: "codex",
    versionArgs: ["--version"],
    install: "npm install -g @openai/codex",
    credentialEnv: ["OPENAI_API_KEY"],
    loginPaths: [".codex/auth.json"],
  },
};

describe("a worker", () => {
  const found = { kind: "found", path: "/bin/codex", version: "1.2.3" } as const;
  it.each([
    [found, { kind: "environment", variable: "OPENAI_API_KEY" }, "ready", "OPENAI_API_KEY", null],
    [found, { kind: "login", path: "/h/.codex/auth.json" }, "ready", "/h/.codex/auth.json", null],
    [found, { kind: "not-needed" }, "ready", null, null],
    [found, { kind: "none" }, "no_credential", null, "To use it, set OPENAI_API_KEY, or log in with codex."],
    [
      { kind: "missing", message: "" },
      { kind: "none" },
      "missing",
      null,
      "Install it: npm install -g @openai/codex",
    ],
    [
      { kind: "too-old", path: "/bin/codex", version: "0.1.0", message: "old" },
      { kind: "none" },
      "too_old",
      null,
      "Update it: npm install -g @openai/codex",
    ],
    [
      { kind: "unusable", path: "/bin/codex", message: "crashed" },
      { kind: "none" },
      "unusable",
      null,
      "Reinstall it: npm install -g @openai/codex",
    ],
  ] as const)("that is %o with a credential %o is %s", (program, credential, status, name, cure) => {
    const report = workerReport(adapter, program, credential);
    expect(report).toMatchObject({ status, credential: name, cure });
  });
});

describe("a worker whose model is configured", () => {
  const report = workerReport(
    adapter,
    { kind: "found", path: "/bin/codex", version: "1.2.3" },
    { kind: "not-needed" },
  );
  const paid = { name: "codex", provider: "openai" };
  const configOf = (more: object) =>
    configSchema({}).parse({ workers: { codex: { settings: { model: "house" } } }, ...more });
  const house = { house: { input: 1, output: 2 } };
  it.each([
    [true, "the model has no price", {}, paid],
    [false, "the configuration has one", { prices: house }, paid],
    [false, "the worker says what it costs", {}, { ...paid, reportsCost: true as const }],
    [true, "it is the default", { workers: {}, defaults: { worker: "codex", model: "house" } }, paid],
    [false, "it is another worker's", { workers: {}, defaults: { worker: "shell", model: "house" } }, paid],
    [false, "it is on the list", { workers: { codex: { settings: { model: "gpt-5.5" } } } }, paid],
  ])("is told of (%s) where %s", async (isTold, _name, more, which) => {
    const { detail, cure } = await withPrice(report, which, configOf(more));
    expect(detail.includes("no price for model house")).toBe(isTold);
    expect(cure).toBe(isTold ? "Set prices.house in the configuration." : null);
  });
});

it("a version that nobody has tried yet is named, and no fault", () => {
  const program = { ...adapter.program, verifiedVersion: "1.2.3" };
  const report = (version: string) =>
    workerReport(
      { ...adapter, program },
      { kind: "found", path: "/bin/codex", version },
      { kind: "not-needed" },
    );
  expect(report("1.2.3").detail).toBe("needs no credential");
  expect(report("1.10.0")).toMatchObject({
    status: "ready",
    detail: "newer than 1.2.3, the last one verified; needs no credential",
  });
});

it("of a worker that nothing keeps to its capabilities, that is said", () => {
  const program = { ...adapter.program, command: "sh" };
  const shell = workerReport(
    { ...adapter, name: "shell", program, enforcesCapabilities: false },
    { kind: "found", path: "/bin/sh", version: null },
    { kind: "not-needed" },
  );
  expect(shell.enforcesCapabilities).toBe(false);
  const [line] = doctorLines({ version: "1", ok: true, checks: [], workers: [shell] })
    .map(textOf)
    .filter((text) => text.includes("shell "));
  expect(line).toContain("capabilities are not enforced");
  expect(line).not.toContain("can read");
});

it("a name in the configuration that stands for no worker is bad, and one that is broken is not well", () => {
  const names = { defaults: { worker: "codx" }, limits: { workers: { nobody: { concurrency: 1 } } } };
  const loaded = { ...noConfig(), config: configSchema({}).parse(names) };
  const check = configurationCheck(loaded);
  expect(check.status).toBe("bad");
  expect(check.detail).toMatch(/^defaults\.worker: there is no worker "codx".*did you mean "codex"\?\n/);
  expect(check.detail).toContain('limits.workers: there is no worker "nobody"');
  const old = { kind: "too-old", path: "/x", version: "0.1", message: "old" } as const;
  expect(isBroken(workerReport(adapter, old, { kind: "none" }))).toBe(true);
  expect(isBroken(workerReport(adapter, { kind: "missing", message: "" }, { kind: "none" }))).toBe(false);
});

describe("containment", () => {
  const way = (
    implementation: ImplementationReport["implementation"],
    available: boolean,
  ): ImplementationReport => ({
    implementation,
    available,
    level: implementation === "process-group" ? "best-effort" : "sealed",
    reason: available ? "works" : "is not installed",
    tookMs: 1,
    way: null,
  });
  const probe = (...implementations: ImplementationReport[]): ContainmentProbe => ({
    implementations,
    cgroup: { available: false, directory: null, reason: "not writable" },
  });

  it("is well when sealed, and says by what", () => {
    const check = containmentCheck(
      probe(way("bubblewrap", false), way("unshare", true), way("process-group", true)),
      false,
    );
    expect(check).toMatchObject({ status: "ok", cure: null });
    expect(check.detail).toBe("sealed (unshare, no cgroup: not writable); bubblewrap: is not installed");
    expect(check.proof).toBe("works");
    const report = { version: "1", ok: true, checks: [check], workers: [] };
    expect(doctorLines(report).map(textOf)).not.toContainEqual(expect.stringMatching(/^ +works$/));
    expect(doctorLines(report, true).map(textOf)).toContainEqual(expect.stringMatching(/^ +works$/));
  });

  it("is a warning when best-effort, with what to do", () => {
    const check = containmentCheck(
      probe(way("bubblewrap", false), way("unshare", false), way("process-group", true)),
      false,
    );
    expect(check.status).toBe("warn");
    expect(check.cure).toContain("Install bubblewrap");
  });

  it.each([
    ["unshare", "workers have no capabilities", "Run AgentCore as an ordinary user"],
    ["process-group", "workers keep root's capabilities", "Install bubblewrap"],
  ] as const)("is a warning as root by %s, with what root's workers have", (name, detail, cure) => {
    const check = containmentCheck(probe(way(name, true)), true);
    expect(check).toMatchObject({ status: "warn", cure: expect.stringContaining(cure) });
    expect(check.detail).toContain(detail);
  });

  it("is bad when there is none", () => {
    expect(containmentCheck(probe(way("bubblewrap", false)), false).status).toBe("bad");
  });
});

describe("limits of a run", () => {
  const limitsOf = (run: object) => configSchema({}).parse({ limits: { run } }).limits;
  const root = limitEnforcement(
    { name: "bubblewrap", bwrap: "", setsid: "", userNamespace: false, root: true },
    [],
  );

  it("are said with what enforces them, also where none is set", () => {
    expect(runLimitsCheck(root, limitsOf({}))).toMatchObject({
      status: "ok",
      cure: null,
      detail: "none is set",
      proof: expect.stringMatching(
        /^processes: not set; not enforceable: .*; memory: not set; by RLIMIT_DATA/,
      ),
    });
    const check = runLimitsCheck(root, limitsOf({ memory: "1GiB", file_size: "512MiB" }));
    expect(check.status).toBe("ok");
    expect(check.detail).toContain("file_size 512 MiB: by RLIMIT_FSIZE");
  });

  it("are a warning where one is set that nothing here enforces", () => {
    const check = runLimitsCheck(root, limitsOf({ processes: 64 }));
    expect(check).toMatchObject({ status: "warn", cure: expect.stringContaining("limits.run.processes.") });
    expect(check.detail).toContain("processes 64: not enforceable");
  });
});

describe("a workspace in quarantine", () => {
  const left = (pids: readonly number[]) => ({
    file: "/runs/m.json",
    marker: "m",
    label: "job-1#2",
    cwd: "/w",
    verdict: "left" as const,
    damage: null,
    found: pids.length,
    survivors: pids.map((pid) => ({ pid, startTicks: 1, name: "sleep" })),
  });

  it("is named with the job, its processes, and how to end them", () => {
    const check = quarantineCheck([left([17, 18]), { ...left([19]), cwd: null }]);
    expect(check).toMatchObject({
      status: "warn",
      detail:
        "/w: job job-1 (attempt 2) left sleep (pid 17), sleep (pid 18)\n" +
        "/runs/m.json: job job-1 (attempt 2) left sleep (pid 19)",
    });
    expect(check.cure).toContain("`kill -9 17 18 19`");
  });

  it("is none where nothing is left", () => {
    expect(quarantineCheck([])).toMatchObject({ status: "ok", cure: null });
    expect(quarantineCheck([left([])]).cure).toContain("kill them, or restart the machine");
  });
});

it("the screen shows what was found, what to do about it and what to try", () => {
  const lines = doctorLines({
    version: "1.0.0",
    ok: true,
    checks: [
      { id: "git", title: "git", status: "ok", detail: "2.39", cure: null },
      {
        id: "configuration",
        title: "Configuration",
        status: "bad",
        detail: "a.yaml:1:1: wrong\na.yaml:2:1: too",
        cure: "Correct it.",
      },
    ],
    workers: [
      workerReport(adapter, { kind: "missing", message: "" }, { kind: "none" }),
      workerReport(
        { ...adapter, name: "mine" },
        { kind: "found", path: "/m", version: "2.0" },
        { kind: "not-needed" },
      ),
    ],
  });
  expect(lines.map(textOf)).toEqual([
    "AgentCore 1.0.0",
    "  ✓ git              2.39",
    "  ✗ Configuration    a.yaml:1:1: wrong",
    "                     a.yaml:2:1: too",
    "                     → Correct it.",
    "",
    "Workers",
    "  – codex            codex not found",
    "                     → Install it: npm install -g @openai/codex",
    "  ✓ mine             2.0, needs no credential; can read, edit",
    "",
    'Try: agentcore run "Explain what this project does" --worker mine',
  ]);
});
