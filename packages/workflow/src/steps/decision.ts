/**
 * Reads the decision of a completion check. The shell worker decides by its exit code; any other worker must write a
 * decision file. Anything that is not a valid decision counts as none, and never as "complete". Pure.
 */
import type { CheckDecision } from "../plan/step-state.ts";

export interface Decision {
  readonly decision: CheckDecision;
  readonly reason: string;
  readonly fingerprints: readonly string[];
}

/** The content of a decision file. */
export interface DecisionFile {
  readonly text: string;
  readonly modifiedAt: number;
}

export interface CheckFacts {
  /** The id that the check received in its environment. */
  readonly checkId: string;
  readonly startedAt: number;
  /** From the job: whether its worker succeeded, its exit code, and its last words. */
  readonly succeeded: boolean;
  readonly exitCode: number | null;
  readonly summary: string;
  /** Null if none was declared or found. */
  readonly file: DecisionFile | null;
}

/** File systems stamp files with a clock that may lag by a tick. */
const clockTickMs = 50;
const listMax = 100;

export function decideByExitCode(facts: CheckFacts): Decision {
  const said = readDecisionFile(facts);
  const fingerprints = said?.fingerprints ?? [];
  if (facts.succeeded) return { decision: "complete", reason: facts.summary, fingerprints: [] };
  if (facts.exitCode === 1)
    return { decision: "incomplete", reason: said?.reason || facts.summary, fingerprints };
  return undecided(`the check failed: ${facts.summary}`);
}

export function decideByFile(facts: CheckFacts): Decision {
  if (!facts.succeeded) return undecided(`the check failed: ${facts.summary}`);
  if (facts.file === null) return undecided("the check left no decision file");
  return readDecisionFile(facts) ?? undecided("the decision file is stale, or holds no decision");
}

function undecided(reason: string): Decision {
  return { decision: "undecided", reason, fingerprints: [] };
}

function readDecisionFile({ file, checkId, startedAt }: CheckFacts): Decision | null {
  if (file === null) return null;
  const isFresh = file.modifiedAt >= startedAt - clockTickMs;
  const parsed = parseJson(file.text);
  if (parsed === undefined) return isFresh ? readFirstLine(file.text) : null;
  const named = parsed["check_id"];
  if (named === undefined ? !isFresh : named !== checkId) return null;
  const decision = words[String(parsed["decision"]).toLowerCase()];
  if (decision === undefined) return null;
  const reason = texts(parsed["reasons"]).join("; ");
  return { decision, reason, fingerprints: decision === "complete" ? [] : texts(parsed["fingerprints"]) };
}

const words: Readonly<Partial<Record<string, "complete" | "incomplete">>> = {
  complete: "complete",
  pass: "complete",
  incomplete: "incomplete",
  fail: "incomplete",
};

function readFirstLine(text: string): Decision | null {
  const [first = "", ...rest] = text.trim().split("\n");
  const decision = /^[A-Z]+$/.test(first.trim()) ? words[first.trim().toLowerCase()] : undefined;
  return decision === undefined
    ? null
    : { decision, reason: rest.join("\n").trim().slice(0, 2000), fingerprints: [] };
}

function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // Not JSON: the first line decides.
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string").slice(0, listMax) : [];
}
