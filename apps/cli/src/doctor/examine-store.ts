/** The check of `doctor` for a store that several machines share. */
import { cureOf, formatDuration, isAgentCoreError, storePlace } from "@agentcore/contract";
import { probeSharedStore, type SharedStoreProbe } from "../state/stores.ts";
import type { Check } from "./report.ts";

/** Budgets, schedules and delays go by the clock of each host. */
const clockMsMax = 1000;
/** A claim takes several round trips, and hosts wait for each other's. */
const roundTripMsMax = 10;

const base = { id: "store", title: "Shared store" };

/** Connects, and changes nothing. `isSealed`: of the containment on this machine. */
export async function examineStore(url: string, isSealed: boolean): Promise<Check> {
  try {
    return storeCheck(storePlace(url), await probeSharedStore(url), isSealed);
  } catch (error) {
    const cure = isAgentCoreError(error) ? cureOf(error.code, "command line") : null;
    return { ...base, status: "bad", detail: (error as Error).message, cure };
  }
}

export function storeCheck(place: string, probe: SharedStoreProbe, isSealed: boolean): Check {
  const { serverVersion, oldestServer, tablesVersion, knownVersion, roundTripMs, clockAheadMs, isPooled } =
    probe;
  const tables = tablesVersion === null ? "no tables yet" : `tables of version ${tablesVersion}`;
  const detail = [
    `${place}: PostgreSQL ${serverVersion}`,
    tables,
    `${roundTripMs.toFixed(1)} ms for a round trip`,
    clockWords(clockAheadMs),
    ...(isPooled ? ["through a pooler"] : []),
  ].join(", ");
  const bad = (cure: string): Check => ({ ...base, status: "bad", detail, cure });
  const warn = (cure: string): Check => ({ ...base, status: "warn", detail, cure });
  if (Number.parseInt(serverVersion, 10) < oldestServer)
    return bad(`Update the server: AgentCore needs PostgreSQL ${oldestServer} or later.`);
  if (tablesVersion !== null && tablesVersion > knownVersion)
    return bad(`Update AgentCore: this version knows tables up to version ${knownVersion}.`);
  if (!isSealed)
    return warn(
      "Make the containment sealed: a best-effort worker can outlive its host, and its job would then run twice.",
    );
  if (Math.abs(clockAheadMs) > clockMsMax)
    return warn("Synchronize the clocks of this machine and of the server, such as with chrony.");
  if (roundTripMs > roundTripMsMax)
    return warn("Put the database nearer: each start of a job waits for several round trips.");
  return { ...base, status: "ok", detail, cure: null };
}

function clockWords(aheadMs: number): string {
  if (Math.abs(aheadMs) < clockMsMax) return "its clock agrees with this one";
  return `its clock is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"} this one`;
}
