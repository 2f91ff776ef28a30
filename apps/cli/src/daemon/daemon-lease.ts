/**
 * One daemon for each shared store, on whichever machine: its triggers decide alone. The holder renews a stream of the journal; a
 * stream that is not renewed for the time of the lease, by the clock of who watches it, may be taken over. Each takeover makes the
 * stream longer, so that the former holder's next renewal is refused. Before that can happen, a holder that cannot renew it decides
 * nothing more.
 */
import { AgentCoreError, ignore, sleep, type Clock, type Log, type Timer } from "@agentcore/contract";
import { processState, type ProcessName } from "@agentcore/core";
import type { Journal, JournalHeader } from "@agentcore/scheduler";
import type { TriggerStore } from "@agentcore/triggers";

const stream = "daemon:triggers";
const leaseMsDefault = 15_000;
/** Parts of the lease: it is renewed after one of them, and counts for three after it was. */
const parts = 6;
const countedParts = 3;

export interface DaemonHolder extends ProcessName {
  /** Name of the machine. */
  readonly host: string;
}

export interface DaemonLeaseOptions {
  readonly journal: Pick<Journal, "append" | "list">;
  readonly holder: DaemonHolder;
  /** Of the store, for messages. */
  readonly place: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Default 15,000. */
  readonly leaseMs?: number;
}

interface Found {
  readonly length: number;
  readonly holder: DaemonHolder | null;
  readonly beat: number;
}

export class DaemonLease {
  readonly #options: DaemonLeaseOptions;
  readonly #length: number;
  readonly #lost = Promise.withResolvers<AgentCoreError>();
  #beat = 0;
  #renewedMs: number;
  #timer: Timer | null = null;
  #renewing: Promise<void> = Promise.resolve();
  #isOver = false;

  private constructor(options: DaemonLeaseOptions, length: number, takenMs: number) {
    this.#options = options;
    this.#length = length;
    this.#renewedMs = takenMs;
    this.#arm();
  }

  /**
   * Waits for a holder that is silent. Rejects with `AC_DAEMON_RUNNING` if another daemon of the store works, and with
   * `AC_STORE_…`.
   */
  static async take(options: DaemonLeaseOptions): Promise<DaemonLease> {
    const { clock, log, place } = options;
    const startMs = clock.monotonicMs();
    let seen: Found | null = null;
    for (;;) {
      const found = await read(options);
      if (seen !== null && (found.length !== seen.length || found.beat !== seen.beat))
        throw runningElsewhere(found.holder, place);
      const askedMs = clock.monotonicMs();
      if (isFree(found, options) || askedMs - startMs >= leaseMsOf(options)) {
        const length = await append(options, found.length);
        if (length !== null) return new DaemonLease(options, length, askedMs);
      } else {
        if (seen === null)
          log.info(
            { host: found.holder?.host ?? null },
            "waiting whether the other daemon of the store is alive",
          );
        seen = found;
        await sleep(clock, leaseMsOf(options) / parts / 2);
      }
    }
  }

  /** Whether no other daemon can have the lease. */
  get isHeld(): boolean {
    const { clock } = this.#options;
    const countsMs = (leaseMsOf(this.#options) / parts) * countedParts;
    return !this.#isOver && clock.monotonicMs() - this.#renewedMs < countsMs;
  }

  /** Resolves if another daemon took over. */
  get lost(): Promise<AgentCoreError> {
    return this.#lost.promise;
  }

  /** Lets another daemon begin at once. Idempotent. */
  async release(): Promise<void> {
    if (this.#isOver) return;
    this.#end();
    await this.#renewing;
    try {
      await this.#write(null);
    } catch (error) {
      ignore(error, "the next daemon waits for the time of the lease");
    }
  }

  #arm(): void {
    const { clock } = this.#options;
    this.#timer = clock.setTimer(leaseMsOf(this.#options) / parts, () => {
      this.#renewing = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { clock, holder, log, place } = this.#options;
    const sentMs = clock.monotonicMs();
    try {
      if ((await this.#write(holder)) === "appended") this.#renewedMs = sentMs;
      else if (!this.#isOver) {
        this.#end();
        const { holder: other } = await read(this.#options);
        this.#lost.resolve(runningElsewhere(other, place));
      }
    } catch (error) {
      log.warn({ error }, "the lease of the daemon could not be renewed; triggers wait until it is");
    }
    if (!this.#isOver) this.#arm();
  }

  #write(holder: DaemonHolder | null): Promise<"appended" | "conflict"> {
    this.#beat += 1;
    const header = headerOf(holder, this.#beat);
    return this.#options.journal.append(stream, { after: this.#length, entries: [], header });
  }

  #end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }
}

/** The store for a daemon with a lease: it decides nothing while another daemon could have the lease. */
export function whileHeld(
  store: TriggerStore,
  lease: Pick<DaemonLease, "isHeld">,
  place: string,
): TriggerStore {
  const held = async <T>(change: () => Promise<T>): Promise<T> => {
    if (lease.isHeld) return change();
    throw new AgentCoreError(
      "AC_STORE_UNAVAILABLE",
      `the daemon could not renew its lease in ${place}; triggers wait until it can`,
    );
  };
  return {
    ...store,
    load: () => held(() => store.load()),
    commit: (change) => held(() => store.commit(change)),
    deleteEnded: (request) => held(() => store.deleteEnded(request)),
  };
}

const leaseMsOf = ({ leaseMs = leaseMsDefault }: DaemonLeaseOptions): number => leaseMs;

const headerOf = (holder: DaemonHolder | null, beat: number): JournalHeader => ({
  holder: holder === null ? null : { ...holder, pidNamespace: holder.pidNamespace ?? null },
  beat,
});

async function read({ journal }: DaemonLeaseOptions): Promise<Found> {
  const [listed] = await journal.list({ prefix: stream, limit: 1 });
  const { holder = null, beat = 0 } = listed?.header ?? {};
  return {
    length: listed?.length ?? 0,
    holder: holder as unknown as DaemonHolder | null,
    beat: Number(beat),
  };
}

/** Nobody has it, or a process of this machine that has ended. */
function isFree({ holder }: Found, { holder: own }: DaemonLeaseOptions): boolean {
  return holder === null || (holder.host === own.host && processState(holder) === "gone");
}

/** The new length; null: another was first. */
async function append(
  { journal, holder, clock }: DaemonLeaseOptions,
  length: number,
): Promise<number | null> {
  const entry = { host: holder.host, pid: holder.pid, at: clock.now() };
  const answer = await journal.append(stream, {
    after: length,
    entries: [entry],
    header: headerOf(holder, 0),
  });
  return answer === "appended" ? length + 1 : null;
}

function runningElsewhere(holder: DaemonHolder | null, place: string): AgentCoreError {
  const who = holder === null ? "another process" : `process ${holder.pid} on ${holder.host}`;
  return new AgentCoreError(
    "AC_DAEMON_RUNNING",
    `${who} is the daemon of ${place}; run \`agentcore work\` on this machine to share its jobs`,
    { evidence: { place, host: holder?.host ?? null, pid: holder?.pid ?? null } },
  );
}
