/**
 * A small adapter for tests and measurements: its worker prints events of the contract as JSON lines, and a last line
 * `{"type":"result","ok":true,"summary":"…"}`. Point it at a fake agent with the setting `program`. Also the shortest
 * complete example of an adapter with a terminal event.
 */
import {
  adapterContractVersion,
  capabilities,
  errorClassSchema,
  unknownUsage,
  workerEventSchema,
  type OutputReader,
  type WorkerAdapter,
  type WorkerError,
  type WorkerReport,
} from "@agentcore/contract";
import { countAt, jsonLineReader, numberAt, stringAt, valueAt, type JsonObject } from "../json-lines.ts";

export const scriptedAdapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "scripted",
  title: "Scripted agent",
  provider: null,
  capabilities,
  program: {
    command: "scripted-agent",
    versionArgs: [],
    install: "see createFakeAgent of @agentcore/worker-kit/testing",
    credentialEnv: [],
    loginPaths: [],
  },
  plan: (task, context) => ({
    command: context.program,
    args: task.args ?? [],
    env: {},
    stdin: task.instructions,
    home: "own",
  }),
  createReader,
};

function createReader(): OutputReader {
  let result: JsonObject | null = null;
  let usage = unknownUsage;
  let session: string | null = null;
  const deniedTools: string[] = [];
  return jsonLineReader({
    object(value) {
      if (value["type"] === "result") {
        result = value;
        return [{ type: "ended" }];
      }
      // The common events are taken as they are, since they are ours; anything that is none becomes raw.
      const event = value["type"] === "text" ? textOf(value) : workerEventSchema.safeParse(value).data;
      if (event === undefined) return null;
      if (event.type === "usage") usage = event.usage;
      if (event.type === "started") session = event.session;
      if (event.type === "denied") deniedTools.push(event.tool);
      return [event];
    },
    end: (malformedLines) => ({ ...reportOf(result), deniedTools, session, usage, malformedLines }),
  });
}

/** Quick, because measurements print millions of them. */
function textOf(value: JsonObject): { type: "text"; text: string } | undefined {
  const text = value["text"];
  return typeof text === "string" ? { type: "text", text } : undefined;
}

function reportOf(result: JsonObject | null): WorkerReport {
  const costUsd = costOf(numberAt(result, "costUsd"));
  const common = {
    error: null,
    deniedTools: [],
    summary: stringAt(result, "summary") ?? "",
    session: null,
    model: stringAt(result, "model"),
    usage: unknownUsage,
    costUsd,
    costBasis: costUsd === null ? "none" : "reported",
    malformedLines: 0,
  } as const;
  if (result === null) return { ...common, terminal: "none" };
  if (valueAt(result, "ok") === true) return { ...common, terminal: "success" };
  return { ...common, terminal: "error", error: errorOf(result) };
}

/** Anything may stand in a worker's output, and a negative cost would give budget back. */
function costOf(number: number | null): number | null {
  return number !== null && number >= 0 ? number : null;
}

/** `{"ok":false,"class":"rate_limited","status":429,"retryAfterMs":1000}`; without a class the task failed. */
function errorOf(result: JsonObject): WorkerError | null {
  const errorClass = errorClassSchema.safeParse(result["class"]);
  if (!errorClass.success) return null;
  return {
    class: errorClass.data,
    message: stringAt(result, "summary") ?? "",
    status: countAt(result, "status"),
    retryAfterMs: countAt(result, "retryAfterMs"),
  };
}
