/**
 * Checks the arguments that a task adds to its worker's command line: only those that its adapter lists are allowed. A list
 * of forbidden flags would not work. Each release of a worker adds flags that decide what it may do, where it sends
 * requests or how it prints; flags have short and negated forms, and one parser reads as a value what another reads as a
 * flag.
 */
import { AgentCoreError } from "@agentcore/contract";

export interface AllowedArgs {
  /** Flags without a value. */
  readonly switches?: readonly string[];
  /** Flags with one value: `--effort high` or `--effort=high`. */
  readonly values?: readonly string[];
  /** Flags whose value is `key=value`, and the allowed keys. */
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
    // One parser would read it as the value, another as a separate flag.
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
