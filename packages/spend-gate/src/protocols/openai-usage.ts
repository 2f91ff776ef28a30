/** How both of OpenAI's protocols divide what they report: their input includes what was read from and written to a cache. */
import type { CallUsage } from "@agentcore/contract";
import type { MissingUsage } from "./protocol.ts";
import type { Tally } from "./tally.ts";

export type ReportedField =
  | "input"
  | "cacheRead"
  | "cacheWrite"
  | "output"
  | "total"
  | "reasoning"
  | "searches";

export interface ReportedUsage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  /** Of input and output together; 0 if it is not reported. */
  readonly total: number;
  readonly reasoning: number;
  readonly hostedToolCalls: number;
  readonly serviceTier: string | null;
}

export function divided(reported: ReportedUsage): CallUsage {
  const { cacheRead, cacheWrite, output, total, reasoning } = reported;
  const cached = cacheRead + cacheWrite;
  // Some servers report an input that does not include the cached part.
  const isApart = cached > reported.input || (cached > 0 && total === reported.input + cached + output);
  const input = isApart ? reported.input + cached : reported.input;
  return {
    inputTokens: input - cached,
    cacheReadTokens: cacheRead,
    cacheWrite5mTokens: cacheWrite,
    cacheWrite1hTokens: 0,
    // Some servers count reasoning in the total alone.
    outputTokens: Math.max(output, reasoning, total - input),
    reasoningTokens: reasoning,
    hostedToolCalls: reported.hostedToolCalls,
    serviceTier: reported.serviceTier,
    speed: null,
    region: null,
  };
}

/** Servers that count some output in the total alone report the total. */
export function missingUsage(tally: Tally<ReportedField>): MissingUsage {
  if (!tally.has("input")) return "input";
  return tally.has("output") || tally.get("total") > tally.get("input") ? null : "output";
}
