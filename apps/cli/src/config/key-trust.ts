/**
 * Lists the settings of an untrusted configuration file that take effect: only limits. Every setting that decides which
 * program runs, with which rights, for whom, with whose data, what is deleted, or which defense is off, needs trust. A key
 * that is missing in this table needs trust, and a test compares the table with the schema.
 */

/** `limit`: it can only restrict a request. `trust`: it applies only if the file was named or trusted. */
export type KeyTrust = "limit" | "trust";

/** By path; `*` stands for any name, and an entry applies to everything below it. */
export const keyTrust: Readonly<Record<string, KeyTrust>> = {
  // Another state directory brings its own queue; a short time deletes the user's jobs.
  state_dir: "trust",
  // A queue of somebody else, and your password to them.
  store: "trust",
  // Another host's name: a drain of it would concern this one.
  host: "trust",
  keep_ended: "trust",
  // A low number deletes what the user's other workflows stored.
  cache: "trust",
  // The shell runs instructions as a script; capabilities, models and attempts are rights and money.
  "defaults.worker": "trust",
  "defaults.capabilities": "trust",
  "defaults.model": "trust",
  "defaults.timeout": "trust",
  "defaults.max_attempts": "trust",
  "defaults.dedup": "trust",
  "defaults.max_cost": "limit",
  "defaults.max_tokens": "limit",
  // Programs, code, addresses that receive the keys, HOME and the rest of a worker's environment.
  workers: "trust",
  ...limitsOf("limits.global"),
  ...limitsOf("limits.tenants.*"),
  ...limitsOf("limits.workers.*"),
  ...limitsOf("limits.providers.*"),
  "limits.job.attempts": "limit",
  "limits.job.timeout": "limit",
  "limits.job.cost_usd": "limit",
  "limits.job.tokens": "limit",
  "limits.attempt.cost_usd": "limit",
  "limits.attempt.tokens": "limit",
  "limits.attempt.calls": "limit",
  "limits.attempt.calls_in_flight": "limit",
  "limits.run.processes": "limit",
  "limits.run.memory": "limit",
  "limits.run.file_size": "limit",
  // The assumed cost of an answer, and what is believed of a worker: too low a number hides spending.
  "limits.attempt.response_cost_usd": "trust",
  "limits.attempt.response_tokens": "trust",
  "limits.attempt.plausible_cost_usd": "trust",
  "limits.attempt.plausible_tokens": "trust",
  // A high number lets a worker repeat itself.
  "limits.attempt.identical_calls": "trust",
  spend_gate: "trust",
  // Addresses, credentials and the commands that print them.
  providers: "trust",
  prices: "trust",
  unpriced: "trust",
  // Defenses that can be weakened until nothing is left of them.
  backpressure: "trust",
  degrade: "trust",
  breakers: "trust",
  provider_pause: "trust",
  watchdog: "trust",
  pacing: "trust",
  shutdown: "trust",
  workspace_lock: "trust",
  permit_ttl: "trust",
};

function limitsOf(level: string): Record<string, KeyTrust> {
  const names = ["concurrency", "start_rate", "cost_usd", "tokens"];
  return Object.fromEntries(names.map((name) => [`${level}.${name}`, "limit"]));
}

/** The entry that applies to the path; undefined for a path that only leads to entries, or that no entry names. */
export function entryFor(path: readonly string[]): string | undefined {
  return Object.keys(keyTrust).find((entry) => {
    const names = entry.split(".");
    return names.length <= path.length && names.every((name, index) => name === "*" || name === path[index]);
  });
}

/** Whether an entry below the path needs no trust, so that the path must be searched. */
function leadsToLimits(path: readonly string[]): boolean {
  return Object.entries(keyTrust).some(([entry, trust]) => {
    const names = entry.split(".");
    return (
      trust === "limit" &&
      names.length > path.length &&
      path.every((name, index) => names[index] === "*" || names[index] === name)
    );
  });
}

export interface Limited {
  /** The value without anything that needs trust. */
  readonly value: Record<string, unknown>;
  /** The omitted paths, in the order of the file: `state_dir`, `workers.mine`. */
  readonly ignored: readonly string[];
}

/** The part of an untrusted file that applies. */
export function onlyLimits(value: Readonly<Record<string, unknown>>, above: readonly string[] = []): Limited {
  const kept: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [name, inner] of Object.entries(value)) {
    const path = [...above, name];
    const entry = entryFor(path);
    if (entry !== undefined && keyTrust[entry] === "limit") kept[name] = inner;
    else if (entry === undefined && isMapping(inner) && leadsToLimits(path)) {
      const below = onlyLimits(inner, path);
      kept[name] = below.value;
      ignored.push(...below.ignored);
    } else if (above.length === 0 && name === "workers" && isMapping(inner)) {
      ignored.push(...Object.keys(inner).map((worker) => `workers.${worker}`));
    } else ignored.push(path.join("."));
  }
  return { value: kept, ignored };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
