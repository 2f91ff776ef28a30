/**
 * A task may add arguments to its worker's command line: those that its adapter lists, and no others. A list of what is
 * forbidden would not do. Flags that decide what the worker may do, where it sends its requests or how it prints come with
 * every release of a worker, have short and negated forms, and hide behind words that one parser takes for a value and another
 * for a flag.
 */
import { AgentCoreError } from "@agentcore/contract";

export interface AllowedArgs {
  /** Flags that stand alone. */
  readonly switches?: readonly string[];
  /** Flags with one value: `--effort high` or `--effort=high`. */
  readonly values?: readonly string[];
  /** Flags whose value is `key=value`, and the keys that may be set by them. */
  readonly assignments?: { readonly flags: readonly string[]; readonly keys: readonly string[] };
}

/** Throws `AC_JOB_INVALID` for the first argument that is not allowed. */
export function requireAllowedArgs(worker: string, args: readonly string[], allowed: AllowedArgs): void {
  const { switches = [], values = [], assignments = { flags: [], keys: [] } } = allowed;
  const rest = [...args];
  while (rest.length > 0) {
    const arg = rest.shift() ?? "";
    if (switches.includes(arg)) continue;
    const [flag, attached] = arg.startsWith("--") ? splitAtEquals(arg) : [arg];
    const isAssignment = assignments.flags.includes(flag);
    if (!isAssignment && !values.includes(flag)) refuse(worker, arg, wordsOf(allowed));
    const value = attached ?? rest.shift();
    if (value === undefined) refuse(worker, arg, "it needs a value");
    // One parser would take it for the value, another for a flag of its own.
    if (attached === undefined && value.startsWith("-")) {
      refuse(worker, `${arg} ${value}`, `write ${flag}=${value} if that is its value`);
    }
    if (isAssignment) requireKey(worker, value, assignments.keys);
  }
}

function requireKey(worker: string, assignment: string, keys: readonly string[]): void {
  const key = splitAtEquals(assignment)[0].trim();
  if (!keys.includes(key)) refuse(worker, key, `the keys that may be set are ${keys.join(", ")}`);
}

function splitAtEquals(text: string): [string, string?] {
  const at = text.indexOf("=");
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function wordsOf({ switches = [], values = [], assignments }: AllowedArgs): string {
  const flags = [...switches, ...values, ...(assignments?.flags ?? [])];
  return flags.length === 0 ? "it takes none" : `it may hold ${flags.join(", ")}`;
}

function refuse(worker: string, arg: string, why: string): never {
  throw new AgentCoreError("AC_JOB_INVALID", `the task's args may not hold ${arg} for ${worker}: ${why}`, {
    evidence: { worker, arg },
  });
}
