/** Which daemon this is, and what the token may do. */
import type { Printed, VersionDocument } from "@agentcore/contract";
import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getWith } from "../api/call.ts";
import { setScope, token } from "../api/token.ts";
import { streamState } from "../live/live.ts";

type DaemonFacts = Printed<VersionDocument>;

const current = signal<DaemonFacts | null>(null);
/** Of the daemon that served this page. */
let firstVersion: string | null = null;
const outdated = signal(false);

/** Null: not known yet. */
export const daemonFacts: ReadonlySignal<DaemonFacts | null> = current;

/** Whether the daemon has another version than when this page was loaded. */
export const isOutdated: ReadonlySignal<boolean> = outdated;

const againMs = 5000;

/** Rejects with `ApiError` if the token is refused. */
export const factsFor = (token: string): Promise<DaemonFacts> =>
  getWith<VersionDocument>(token, "/v1/version");

/** Asks until the daemon answers, and again after each new connection: another daemon may answer then. */
export function useDaemonFacts(): void {
  const used = token.value;
  const isLive = streamState.value === "live";
  useEffect(() => {
    // A stream that ends, as that of a hidden tab does, says nothing new.
    if (used === null || (!isLive && current.peek() !== null)) return;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let isOver = false;
    const ask = async (): Promise<void> => {
      try {
        const facts = await factsFor(used);
        if (isOver) return;
        current.value = facts;
        firstVersion ??= facts.version;
        outdated.value = facts.version !== firstVersion;
        setScope(facts.scope);
      } catch {
        // The view says that the daemon does not answer.
        if (!isOver) timer = setTimeout(() => void ask(), againMs);
      }
    };
    void ask();
    return () => {
      isOver = true;
      if (timer !== null) clearTimeout(timer);
    };
  }, [used, isLive]);
}
