/**
 * Traces from the recordings of the real CLIs, read by their adapters: as recorded; spread over an hour; broken off in the
 * middle, then silent; and, if the CLI reported its end, without its exit. They were recorded without a spend gate.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readRecording, replay } from "@agentcore/worker-kit/testing";
import type { WorkerEvent } from "@agentcore/contract";
import { type Trace, workers } from "./trace.ts";

const folders = {
  claude: "adapter-claude-code",
  codex: "adapter-codex",
  opencode: "adapter-opencode",
} as const;
const hourMs = 3_600_000;

export function recordedTraces(): readonly Trace[] {
  return (Object.keys(folders) as (keyof typeof folders)[]).flatMap((worker) => {
    const folder = fileURLToPath(new URL(`../../../${folders[worker]}/recordings/`, import.meta.url));
    const names = readdirSync(folder).flatMap((file) => /^(.*)\.exit\.json$/.exec(file)?.[1] ?? []);
    return names.flatMap((name) => tracesOf(worker, folder, name));
  });
}

function tracesOf(worker: keyof typeof folders, folder: string, name: string): readonly Trace[] {
  const recording = readRecording(folder, name);
  const replayed = replay(workers[worker], recording).events;
  // Both streams were recorded apart; what was printed on stderr came before the end.
  const isEnd = ({ type }: WorkerEvent): boolean => type === "ended";
  const events = [...replayed.filter((event) => !isEnd(event)), ...replayed.filter(isEnd)];
  const { ms = 1000 } = recording.exit;
  const half = events.slice(0, Math.ceil(events.length / 2));
  const whole = spread(events, ms);
  const traces: Trace[] = [
    { name: `${name}, as recorded`, worker, label: "healthy", seen: whole, sinceMs: ms },
    { name: `${name}, broken off and silent`, worker, label: "stuck", seen: spread(half, ms), sinceMs: ms },
  ];
  // Of few events, an hour would have pauses that no recording had.
  if (events.length >= 10) {
    const [label, seen] = ["healthy", spread(events, hourMs)] as const;
    traces.push({ name: `${name}, spread over an hour`, worker, label, seen, sinceMs: hourMs });
  }
  if (events.some(isEnd)) {
    traces.push({ name: `${name}, and no exit`, worker, label: "finished", seen: whole, sinceMs: ms });
  }
  return traces;
}

const spread = (events: readonly WorkerEvent[], overMs: number): Trace["seen"] =>
  events.map((event, at) => ({
    atMs: Math.round(((at + 1) * overMs) / events.length),
    input: { kind: "event", event },
  }));
