/**
 * The place of a soak: a daemon with one webhook, whose every n-th event starts a workflow and whose others do not match the
 * filter; a state directory on a small file system of its own; and a module that notes the memory of the process in which it is
 * loaded. Mounting needs a mount namespace in which this user may do so: see `main.ts`.
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AgentCoreError, ignore, ifMissing } from "@agentcore/contract";
import { secret } from "../daemon/killed-daemon.ts";
import type { Rig } from "../rig.ts";

/** Of the API. */
export const soakToken = "token-of-the-soak-test";

/** Runs at once: more than the load needs, so that what has waited during a fault is soon done. */
export const soakConcurrency = 10;

export interface SoakPlace {
  readonly file: string;
  /** Arguments of Node that load the module. */
  readonly nodeArgs: readonly string[];
}

export function writeSoakPlace({ root, stateDir }: Rig, noteEveryMs: number): SoakPlace {
  const workspace = join(root, "workspace");
  mkdirSync(workspace);
  const script = 'echo "$AGENTCORE_EVENT_ID $AGENTCORE_CHAIN $(date +%s%N)" >> ledger';
  const step = { worker: "shell", capabilities: ["run_commands"], instructions: script };
  writeFileSync(
    join(workspace, "flow.yaml"),
    JSON.stringify({ name: "flow", version: "1", timeout: "60m", steps: { only: step } }),
  );
  const file = join(root, "daemon.yaml");
  const trigger = { on: "hook", workflow: "flow.yaml", overlap: "allow_all", max_queue: 10_000 };
  writeFileSync(
    file,
    JSON.stringify({
      name: "soak",
      version: "1",
      workspace,
      state_dir: stateDir,
      max_concurrent_workflows: soakConcurrency,
      server: { http: { port: 0 }, token: soakToken },
      events: { hook: { type: "webhook", path: "/hook", port: 0, secret } },
      triggers: { run: { ...trigger, filter: { "body.run": true } } },
    }),
  );
  mkdirSync(join(root, "memory"));
  const probe = join(root, "note-memory.mjs");
  writeFileSync(probe, noteMemory(join(root, "memory"), noteEveryMs));
  return { file, nodeArgs: ["--expose-gc", "--import", probe] };
}

const noteMemory = (directory: string, everyMs: number): string => `
import { renameSync, writeFileSync } from "node:fs";
import { getHeapCodeStatistics } from "node:v8";
const path = ${JSON.stringify(directory)} + "/" + process.pid;
setInterval(() => {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  const { code_and_metadata_size: code } = getHeapCodeStatistics();
  writeFileSync(path + ".new", JSON.stringify({ data: heapUsed + external - code, code }));
  renameSync(path + ".new", path);
}, ${everyMs}).unref();
`;

/** What a process uses after a garbage collection. */
export interface NotedMemory {
  /** Objects and buffers. */
  readonly dataMb: number;
  /** Machine code that V8 compiled. It grows while V8 optimizes rarely used functions, and is bounded by the program. */
  readonly codeMb: number;
}

/** What the process last noted; null: nothing yet. */
export function notedMemory(root: string, pid: number): NotedMemory | null {
  try {
    const { data, code } = JSON.parse(readFileSync(join(root, "memory", String(pid)), "utf8")) as {
      readonly data: number;
      readonly code: number;
    };
    return { dataMb: data / 2 ** 20, codeMb: code / 2 ** 20 };
  } catch (error) {
    return ifMissing(null)(error);
  }
}

export interface StartNote {
  readonly event: string;
  readonly run: string;
  /** In ms since the epoch. */
  readonly at: number;
}

/** What the workflows noted when they began. */
export function readStarts(root: string): readonly StartNote[] {
  const text = readFileSync(join(root, "workspace/ledger"), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [event = "", chain = "", time = ""] = line.split(" ");
      return { event, run: chain.split("/").at(-1) ?? "", at: Number(time) / 1e6 };
    });
}

export interface SmallDisk {
  /** Takes all the room that is left. */
  fill(): void;
  free(): void;
  unmount(): void;
}

export function mountSmallDisk(directory: string, megabytes: number): SmallDisk {
  const options = ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "none", directory];
  const { status, stderr } = spawnSync("mount", options, { encoding: "utf8" });
  if (status !== 0) throw new AgentCoreError("AC_INTERNAL", `mount failed: ${stderr.trim()}`);
  const filler = join(directory, "filler");
  return {
    fill() {
      const descriptor = openSync(filler, "w");
      for (const bytes of [2 ** 22, 2 ** 12]) fillWith(descriptor, Buffer.alloc(bytes));
      closeSync(descriptor);
    },
    free: () => rmSync(filler, { force: true }),
    unmount: () => void spawnSync("umount", ["--lazy", directory]),
  };
}

function fillWith(descriptor: number, block: Buffer): void {
  try {
    while (writeSync(descriptor, block) > 0);
  } catch (error) {
    ignore(error, "no room for it any more");
  }
}
