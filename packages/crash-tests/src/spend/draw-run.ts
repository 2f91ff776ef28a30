/** Draws what a run sends. */
import type { Draws } from "../draws.ts";
import type { PlannedCall, PlannedRun } from "./planned-run.ts";
import { bytesPerToken } from "./scripted-provider.ts";

export interface RunShape {
  readonly tenant: string;
  readonly ceilingUsd: number;
  /** Parallel calls. */
  readonly lanes: number;
  /** Calls of a lane, at most. */
  readonly calls: number;
  /** The output that a request asks for; its response has up to that much. */
  readonly maxTokens: readonly [number, ...number[]];
  readonly inputTokensMax: number;
  readonly hidden: "none" | "some" | "most";
  /** Share of the calls that the worker breaks off. */
  readonly breaksOff: number;
}

export function drawRun(draws: Draws, id: string, shape: RunShape): PlannedRun {
  let made = 0;
  // Requests of one run are about equally dense.
  const bytesPerInputToken = 2.4 + draws.next() * 2;
  const lanes = Array.from({ length: shape.lanes }, () =>
    Array.from({ length: draws.whole(1, shape.calls) }, () => {
      made += 1;
      return drawCall(draws, { ...shape, run: id, number: made, bytesPerInputToken });
    }),
  );
  return { id, tenant: shape.tenant, ceilingUsd: shape.ceilingUsd, lanes };
}

interface CallShape extends RunShape {
  readonly run: string;
  readonly number: number;
  readonly bytesPerInputToken: number;
}

/** Of one event of a stream. */
const chunkTokens = 200;

function drawCall(draws: Draws, shape: CallShape): PlannedCall {
  const maxTokens = draws.pick(shape.maxTokens);
  const all = draws.whole(500, shape.inputTokensMax);
  const cacheReadTokens = draws.chance(0.5) ? Math.floor(all * 0.8) : 0;
  const cacheWriteTokens = draws.chance(0.3) ? Math.floor(all * 0.15) : 0;
  const fresh = all - cacheReadTokens - cacheWriteTokens;
  // The number of the call is the rest of its input by a thousand.
  const inputTokens = Math.max(0, fresh - (fresh % 1000)) + shape.number;
  const output = draws.whole(Math.ceil(maxTokens / 4), maxTokens);
  const share = { none: 0, some: 0.4, most: 0.95 }[shape.hidden];
  const hiddenTokens = Math.floor(output * share);
  const density = shape.bytesPerInputToken * (0.92 + draws.next() * 0.16);
  return {
    script: {
      run: shape.run,
      inputTokens,
      cacheReadTokens,
      cacheWriteTokens,
      hiddenTokens,
      textTokens: output - hiddenTokens,
      chunks: Math.max(2, Math.ceil((output - hiddenTokens) / chunkTokens)),
      chunkMs: draws.whole(0, 4),
    },
    inputBytes: Math.ceil((inputTokens + cacheReadTokens + cacheWriteTokens) * density) + bytesPerToken,
    maxTokens,
    breaksOff: draws.chance(shape.breaksOff),
  };
}
