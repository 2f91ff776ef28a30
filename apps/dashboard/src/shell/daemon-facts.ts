/** Which daemon this is, and what the token may do. */
import type { Printed, VersionDocument } from "@agentcore/contract";
import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getWith } from "../api/call.ts";
import { setScope, token } from "../api/token.ts";

type DaemonFacts = Printed<VersionDocument>;

const current = signal<DaemonFacts | null>(null);

/** Null: not known yet. */
export const daemonFacts: ReadonlySignal<DaemonFacts | null> = current;

const againMs = 5000;

/** Rejects with `ApiError` if the token is refused. */
export const factsFor = (token: string): Promise<DaemonFacts> =>
  getWith<VersionDocument>(token, "/v1/version");

/** Asks until the daemon answers; a token that is refused leads to sign-in. */
export function useDaemonFacts(): void {
  const used = token.value;
  useEffect(() => {
    if (used === null) return;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let isOver = false;
    const ask = async (): Promise<void> => {
      try {
        const facts = await factsFor(used);
        if (isOver) return;
        current.value = facts;
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
  }, [used]);
}
