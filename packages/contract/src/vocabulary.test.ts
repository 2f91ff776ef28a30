import { describe, expect, it } from "vitest";
import {
  cureOf,
  AgentCoreError,
  assert,
  errorClasses,
  errorClassTraits,
  errorCodes,
  isAgentCoreError,
  isErrorCode,
  jobSchema,
  traceparentSchema,
  wireRequestEnvelopeSchema,
  wireRequests,
  workerResultSchema,
} from "./index.ts";

describe("the error catalog", () => {
  it("gives each code a meaning and a cure that are sentences", () => {
    const unfit = Object.entries(errorCodes).filter(
      ([code, { meaning, cure }]) =>
        !/^AC_[A-Z_]+$/.test(code) || !meaning.endsWith(".") || !cure.endsWith("."),
    );
    expect(unfit).toEqual([]);
  });

  it("knows its own codes and no others", () => {
    expect(isErrorCode("AC_TIMEOUT")).toBe(true);
    expect(isErrorCode("AC_NONE_SUCH")).toBe(false);
    expect(isErrorCode("toString")).toBe(false);
  });

  it("lets only provider and worker faults trip a breaker", () => {
    const tripping = errorClasses.filter((name) => errorClassTraits[name].trips !== "none");
    expect(tripping).toEqual([
      "provider_unavailable",
      "network",
      "worker_crashed",
      "worker_protocol",
      "stalled",
    ]);
  });

  it("does not retry what a retry cannot cure", () => {
    const final = errorClasses.filter((name) => !errorClassTraits[name].retryable);
    expect(final).toEqual([
      "quota_exhausted",
      "auth",
      "invalid_request",
      "worker_missing",
      "budget_exhausted",
      "permission_denied",
      "cancelled",
    ]);
  });
});

describe("a job's id", () => {
  const idOf = (id: string) => jobSchema.unwrap().shape.id.safeParse(id).success;

  it.each(["0199a2c4", "a/b", "..", ".", "two words", "ü😀", "x".repeat(512)])("may be %j", (id) => {
    expect(idOf(id)).toBe(true);
  });

  it.each(["", "x".repeat(513), "a\0b", "a\nb", "a\u001b[2Jb", "\ud800"])("may not be %j", (id) => {
    expect(idOf(id)).toBe(false);
  });
});

describe("a traceparent", () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const parent = "b7ad6b7169203331";
  const isTaken = (text: string) => traceparentSchema.safeParse(text).success;

  it.each([
    `00-${trace}-${parent}-01`,
    `00-${trace}-${parent}-00`,
    `cc-${trace}-${parent}-01-what-the-future`,
  ])("may be %s", (text) => {
    expect(isTaken(text)).toBe(true);
  });

  it.each([
    "",
    trace,
    `ff-${trace}-${parent}-01`,
    `00-${"0".repeat(32)}-${parent}-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${trace}-${parent}-01\n`,
    `00-${trace}-${parent}-01-a\0b`,
  ])("may not be %j", (text) => {
    expect(isTaken(text)).toBe(false);
  });
});

describe("an AgentCoreError", () => {
  it("is recognized by its brand, also from another copy of the package", () => {
    const error = new AgentCoreError("AC_TIMEOUT", "too slow", { evidence: { limitMs: 5 } });
    expect(isAgentCoreError(error)).toBe(true);
    expect(isAgentCoreError(Object.assign(new Error("copy"), { isAgentCoreError: true }))).toBe(true);
    expect(isAgentCoreError(new Error("other"))).toBe(false);
    expect(error.cure).toBe(cureOf("AC_TIMEOUT", "library"));
    expect(error.evidence).toEqual({ limitMs: 5 });
  });

  it("comes from a failed assertion as our own fault", () => {
    expect(() => assert(false, "a permit was settled twice")).toThrow(
      /internal error: a permit was settled twice/,
    );
    expect(() => assert(1 === 1, "never")).not.toThrow();
  });
});

describe("a job", () => {
  const task = { worker: "shell", workspace: "/tmp", instructions: "true" };

  it("needs only an id and a task", () => {
    const job = jobSchema.parse({ id: "1", task });
    expect(job.limits).toEqual({ timeoutMs: 1_800_000, maxAttempts: 1 });
    expect(job.priority).toEqual({ class: "batch", value: 0 });
    expect(job.task.capabilities).toEqual(["read"]);
  });

  it("has a probe that stops it on any bad finding, unless told", () => {
    const probe = { command: "./look.sh", intervalMs: 1000 };
    expect(jobSchema.parse({ id: "1", task: { ...task, probe } }).task.probe).toEqual({
      ...probe,
      timeoutMs: 10_000,
      stallThreshold: 2,
      requireZeroExit: false,
      onError: "ignore",
      errorThreshold: 3,
      stopsOn: ["stalled", "terminal"],
      countsAsActivity: false,
      keepStderr: false,
    });
  });

  it.each([
    ["empty instructions", { id: "1", task: { ...task, instructions: "  \n" } }],
    ["a negative cost", { id: "1", task, limits: { maxCostUsd: -1 } }],
    ["a cost that is not a number", { id: "1", task, limits: { maxCostUsd: Number.NaN } }],
    ["an unknown capability", { id: "1", task: { ...task, capabilities: ["fly"] } }],
    ["an unknown key", { id: "1", task, limit: {} }],
    [
      "a variant that a command line could take for a flag",
      { id: "1", task: { ...task, variant: "--auto" } },
    ],
    ["a probe without pause", { id: "1", task: { ...task, probe: { command: "true", intervalMs: 0 } } }],
    ["no attempts", { id: "1", task, limits: { maxAttempts: 0 } }],
  ])("is refused with %s", (_name, input) => {
    expect(jobSchema.safeParse(input).success).toBe(false);
  });
});

describe("a result", () => {
  it("has one shape, with null for what is not known", () => {
    const result = {
      outcome: "lost",
      errorClass: "lost",
      code: "AC_RUNTIME_LOST",
      retryAfterMs: null,
      summary: "The runtime died.",
      artifacts: [],
      observations: { commands: [], filesChanged: [] },
      usage: { inputTokens: null, cachedInputTokens: null, outputTokens: null },
      costUsd: null,
      costBasis: "none",
      session: null,
      exitCode: null,
      containment: null,
      startedAt: 0,
      durationMs: 0,
    };
    expect(workerResultSchema.parse(result)).toEqual(result);
    expect(workerResultSchema.safeParse({ ...result, costUsd: undefined }).success).toBe(false);
  });
});

describe("the wire", () => {
  it("refuses an envelope that is not JSON-RPC 2.0", () => {
    expect(wireRequestEnvelopeSchema.safeParse({ id: 1, method: "load" }).success).toBe(false);
    expect(
      wireRequestEnvelopeSchema.safeParse({ jsonrpc: "2.0", id: 1, method: "load", extra: 1 }).success,
    ).toBe(false);
    expect(wireRequestEnvelopeSchema.safeParse({ jsonrpc: "2.0", method: "load" }).success).toBe(true);
  });

  it("takes the defaults of a task on the way in", () => {
    const parsed = wireRequests.execute.params.parse({
      permitId: "p",
      task: { worker: "shell", workspace: "/tmp", instructions: "true" },
    });
    expect(parsed.task.capabilities).toEqual(["read"]);
  });
});
