/**
 * A runtime process that speaks the wire and runs nothing, for tests and benchmarks of whoever talks to one. Behaves as
 * its one argument says, a JSON object of {@link WireProcessBehavior}; each instruction of a task may also ask for
 * misbehavior: `sleep MS`, `fail`, `die`, `die-held` (before its worker is let go), `hang`, `flood N`, `garbage`, `huge`.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  wireEventWindow,
  wireProtocolVersions,
  type PermitRequest,
  type WorkerResult,
  type WorkerTask,
} from "@agentcore/contract";
import { fakeIdentity, fakeLoad, fakePermit } from "./fake-runtime.ts";
import { testFailure, testResult } from "./fixtures.ts";

export interface WireProcessBehavior {
  /** Exit at once with this code. */
  readonly exitAtStart?: number;
  /** Never answer the handshake. */
  readonly mute?: boolean;
  readonly protocolVersion?: number;
  readonly heartbeatMs?: number;
  /** Stop beating after this many beats. */
  readonly beats?: number;
}

interface Incoming {
  readonly id?: number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

const behavior = JSON.parse(process.argv[2] ?? "{}") as WireProcessBehavior;
const heartbeatMs = behavior.heartbeatMs ?? 1000;
const permits = new Set<string>();
const running = new Map<string, (result: WorkerResult) => void>();
const acknowledged = new Map<string, number>();
let granted = 0;

const write = (message: object): void =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const answer = (id: number | undefined, result: unknown): void => write({ id, result });
const refuse = (id: number | undefined, code: string, message: string): void =>
  write({ id, error: { code: -32_000, message, data: { code, cure: "", evidence: {} } } });

if (behavior.exitAtStart !== undefined) process.exit(behavior.exitAtStart);

function beat(): void {
  let beats = 0;
  setInterval(() => {
    beats += 1;
    if (behavior.beats === undefined || beats <= behavior.beats)
      write({ method: "heartbeat", params: fakeLoad(permits.size) });
  }, heartbeatMs).unref();
}

/** Sends no more events than the acknowledgments allow. */
async function flood(permitId: string, count: number): Promise<void> {
  for (let seq = 1; seq <= count; seq += 1) {
    while (seq - (acknowledged.get(permitId) ?? 0) > wireEventWindow) await sleep(1);
    write({ method: "event", params: { permitId, seq, event: { type: "text", text: `event ${seq}` } } });
  }
}

async function perform(permitId: string, task: WorkerTask): Promise<WorkerResult> {
  const [verb = "", amount = "0"] = task.instructions.split(" ");
  const cancelled = new Promise<WorkerResult>((resolve) => running.set(permitId, resolve));
  switch (verb) {
    case "sleep":
      return Promise.race([cancelled, sleep(Number(amount)).then(() => testResult())]);
    case "fail":
      return testFailure;
    case "die":
      return process.exit(9);
    case "hang":
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    case "flood":
      await flood(permitId, Number(amount));
      return testResult();
    case "garbage":
      for (let n = 0; n < 200; n += 1) process.stdout.write("no json\n");
      return cancelled;
    case "huge":
      process.stdout.write(`${"x".repeat(9 * 1024 * 1024)}\n`);
      return testResult();
    default:
      return testResult();
  }
}

async function execute(id: number | undefined, permitId: string, task: WorkerTask): Promise<void> {
  if (!permits.has(permitId)) return refuse(id, "AC_PERMIT_INVALID", `permit ${permitId} is not live`);
  if (task.instructions === "die-held") process.exit(9);
  write({ method: "started", params: { permitId, identity: fakeIdentity(permitId) } });
  const result = await perform(permitId, task);
  permits.delete(permitId);
  answer(id, result);
}

const handlers: Record<string, (message: Incoming) => void> = {
  initialize: ({ id }) => {
    if (behavior.mute === true) return;
    const protocolVersion = behavior.protocolVersion ?? wireProtocolVersions[0];
    const server = { name: "wire-process", version: "0" };
    answer(id, { protocolVersion, server, heartbeatMs, eventWindow: wireEventWindow, load: fakeLoad(0) });
    beat();
  },
  "permit/request": ({ id, params }) => {
    granted += 1;
    const permit = fakePermit(`${process.pid}-${granted}`, params as PermitRequest, Date.now());
    permits.add(permit.id);
    answer(id, { kind: "granted", permit });
  },
  "permit/release": ({ id, params }) => {
    permits.delete(String(params["permitId"]));
    answer(id, null);
  },
  execute: ({ id, params }) => void execute(id, String(params["permitId"]), params["task"] as WorkerTask),
  cancel: ({ id, params }) => {
    const words = behavior.protocolVersion === 1 ? ["message", "immediate"] : ["reason", "force"];
    if (words.some((word) => !(word in params)))
      return refuse(id, "AC_WIRE_MALFORMED", `not in words of this version: ${Object.keys(params).join()}`);
    running.get(String(params["permitId"]))?.(
      testResult({ outcome: "cancelled", errorClass: "cancelled", code: "AC_CANCELLED" }),
    );
    answer(id, null);
  },
  load: ({ id }) => answer(id, fakeLoad(permits.size)),
  drain: ({ id }) => answer(id, null),
  shutdown: ({ id }) => {
    write({ id, result: null });
    process.stdout.write("", () => process.exit(0));
  },
  "event/ack": ({ params }) => void acknowledged.set(String(params["permitId"]), Number(params["seq"])),
  "queue/report": () => {},
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const message = JSON.parse(line) as Incoming;
    const handler = handlers[message.method];
    if (handler === undefined) refuse(message.id, "AC_WIRE_UNKNOWN_METHOD", `no method ${message.method}`);
    else handler(message);
  })
  .on("close", () => process.exit(0));
