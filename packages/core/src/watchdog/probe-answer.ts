/** Parses a probe's output into its result, or says why it has none. Pure. */
import { createHash } from "node:crypto";
import { probeAnswerSchema, type ProbeAnswer, type ProbeOutput } from "@agentcore/contract";

export type ReadProbe =
  | { readonly ok: true; readonly answer: ProbeAnswer; readonly digest: string }
  | { readonly ok: false; readonly why: string };

export function readProbe(output: ProbeOutput, requireZeroExit: boolean): ReadProbe {
  const no = (why: string): ReadProbe => ({ ok: false, why });
  if (output.failure !== null) return no(output.failure);
  if (requireZeroExit && output.exitCode !== 0) return no(`the probe ${exitText(output.exitCode)}`);
  const value = jsonOf(output.stdout);
  if (value === undefined) {
    const exit = output.exitCode === 0 ? "" : `, and it ${exitText(output.exitCode)}`;
    return no(`the probe did not print one JSON object${exit}`);
  }
  const parsed = probeAnswerSchema.safeParse(value);
  if (parsed.success) return { ok: true, answer: parsed.data, digest: parsed.data.digest ?? digestOf(value) };
  const issue = parsed.error.issues[0];
  return no(`the probe's output is invalid: ${issue?.path.join(".") || "it"}: ${issue?.message ?? ""}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what is no JSON is no answer: the caller says so
  }
}

/** Equal objects have the same digest, regardless of the order of their keys. */
function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, sortedKeys)).digest("hex").slice(0, 16);
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function exitText(exitCode: number | null): string {
  return exitCode === null ? "was ended by a signal" : `exited with code ${exitCode}`;
}
