/**
 * One contained run from `go` to its receipt, the same for every kind of box. It ends once, for whatever comes first:
 * the payload ends, somebody cancels it, or the box dies. From there one path leads to the receipt: kill what is left,
 * look until nothing is, at most {@link emptyWithinMs}, and report what was really seen.
 *
 * | phase    | means                                           | leaves by                         |
 * |----------|-------------------------------------------------|-----------------------------------|
 * | held     | the box waits for `go`                          | go, cancel, death of box          |
 * | running  | the payload runs, perhaps asked by TERM to end  | its exit, end of the grace, kill  |
 * | emptying | everything left is being killed                 | empty, or time is up              |
 * | ended    | the receipt is there                            |                                   |
 */
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import {
  ignore,
  loopWentRound,
  settledWithin,
  sleep,
  type CancelSignal,
  type Clock,
  type ContainmentLevel,
  type ContainmentReceipt,
  type RunIdentity,
} from "@agentcore/contract";
import type { Box } from "./box.ts";
import type { Launched } from "./launch.ts";
import type { Contained, ContainedProcess, ImplementationName, PayloadExit } from "./port.ts";
import type { RunLimitName } from "./run-limits.ts";
import { nextStopStep, type StopTiming } from "./stop-plan.ts";

const emptyWithinMs = 10_000;
/** Waits between looks while emptying; the last one repeats. */
const lookAfterMs = [1, 2, 4, 8, 15, 25] as const;
/** How long a box in which nothing is left may take to end on its own. */
const closeWithinMs = 500;
/** How long to look for a payload that has been released and is not forked yet. */
const payloadWithinMs = 1_000;
/** After the end of a best-effort run: silence after which an output that somebody escaped with is given up. */
const heldOutputMs = 250;

export interface ContainedRunOptions {
  readonly level: ContainmentLevel;
  readonly implementation: ImplementationName;
  readonly box: Box;
  readonly launched: Launched;
  readonly clock: Clock;
  /** See `ContainedCommand`. */
  readonly signal?: CancelSignal | undefined;
  readonly timing: StopTiming;
  /** Called once with the receipt, before anybody else gets it. */
  readonly onEnded: (receipt: ContainmentReceipt) => void;
}

export class ContainedRun implements Contained {
  readonly level: ContainmentLevel;
  readonly implementation: ImplementationName;
  readonly identity: RunIdentity;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<PayloadExit>;
  readonly #box: Box;
  readonly #launched: Launched;
  readonly #clock: Clock;
  readonly #onEnded: (receipt: ContainmentReceipt) => void;
  readonly #receipt = Promise.withResolvers<ContainmentReceipt>();
  readonly #timing: StopTiming;
  readonly #forced = Promise.withResolvers<void>();
  readonly #signals: string[] = [];
  #phase: "held" | "running" | "emptying" | "ended" = "held";
  #cancelled = false;
  #force = false;
  #payloadEnded = false;
  #outermostEnded = false;
  #endingSinceMs: number | null = null;
  #processesSeen = 0;
  #survivors: readonly ContainedProcess[] = [];
  #limitsReached: readonly RunLimitName[] = [];

  constructor(parts: ContainedRunOptions) {
    this.level = parts.level;
    this.implementation = parts.implementation;
    this.#box = parts.box;
    this.#launched = parts.launched;
    this.#clock = parts.clock;
    this.#timing = parts.timing;
    this.#onEnded = parts.onEnded;
    this.identity = parts.box.identity;
    this.stdin = parts.launched.stdin;
    this.stdout = parts.launched.stdout;
    this.stderr = parts.launched.stderr;
    this.exited = this.#watchPayload();
    void this.#launched.ended.then(() => {
      this.#outermostEnded = true;
    });
    const unfollow = parts.signal?.onChange((request) => void this.cancel(request));
    if (unfollow !== undefined) void this.#receipt.promise.then(unfollow);
  }

  go(): void {
    if (this.#phase !== "held" || this.#cancelled) return;
    this.#phase = "running";
    // The payload itself counts, even if it is over before anybody looks.
    this.#processesSeen = 1;
    this.#launched.release();
  }

  cancel({ force = false }: { readonly force?: boolean } = {}): Promise<ContainmentReceipt> {
    if (force) {
      this.#force = true;
      this.#forced.resolve();
    }
    if (!this.#cancelled) {
      this.#cancelled = true;
      void this.#askToEnd();
    }
    return this.#receipt.promise;
  }

  finish(): Promise<ContainmentReceipt> {
    return this.#receipt.promise;
  }

  survivors(): readonly ContainedProcess[] {
    return this.#survivors;
  }

  limitsReached(): readonly RunLimitName[] {
    return this.#limitsReached;
  }

  async #watchPayload(): Promise<PayloadExit> {
    const exit = await Promise.race([
      this.#launched.reported.then(({ status, bySignal }) => payloadExit(status, bySignal)),
      this.#launched.ended.then((end) => this.#exitOfOutermost(end)),
    ]);
    this.#payloadEnded = true;
    void this.#empty();
    return exit;
  }

  /** The exit of the outermost process, where nothing better is known: it is the payload's own, or stands for it. */
  #exitOfOutermost(end: { code: number | null; signal: NodeJS.Signals | null }): PayloadExit {
    if (end.signal !== null || this.level === "best-effort") return end;
    if (this.#force || this.#signals.includes("KILL")) return { code: null, signal: "SIGKILL" };
    return payloadExit(end.code ?? 0, (end.code ?? 0) > 128);
  }

  async #askToEnd(): Promise<void> {
    const startedMs = this.#markEnding();
    this.#look();
    for (let termsSent = 0; this.#phase === "held" || this.#phase === "running";) {
      const step = nextStopStep(
        {
          elapsedMs: this.#clock.monotonicMs() - startedMs,
          termsSent,
          released: this.#phase === "running",
          force: this.#force,
        },
        this.#timing,
      );
      switch (step.do) {
        case "term":
          termsSent += 1;
          if (await this.#signalPayload()) this.#signals.push("TERM");
          break;
        case "wait":
          await settledWithin(this.#clock, Promise.race([this.exited, this.#forced.promise]), step.delayMs);
          this.#look();
          break;
        case "kill":
          await this.#empty();
          return;
      }
    }
  }

  /** TERM to the payload, waiting for it to exist where it has only just been released. */
  async #signalPayload(): Promise<boolean> {
    const deadlineMs = this.#clock.monotonicMs() + payloadWithinMs;
    while (!this.#payloadEnded && this.#clock.monotonicMs() < deadlineMs) {
      const outcome = this.#reach(() => this.#box.signalPayload("SIGTERM"), "gone");
      if (outcome !== "gone") {
        // A stopped payload could not act on it.
        this.#reach(() => this.#box.signalPayload("SIGCONT"), "gone");
        return outcome === "sent";
      }
      await settledWithin(this.#clock, this.exited, 1);
    }
    return false;
  }

  async #empty(): Promise<void> {
    if (this.#phase === "emptying" || this.#phase === "ended") return;
    const neverReleased = this.#phase === "held";
    this.#phase = "emptying";
    const startedMs = this.#markEnding();
    const left = this.#look();
    const mustKill = !this.#payloadEnded || neverReleased || left === null || left.length > 0;
    if (mustKill) this.#kill(0);
    this.#launched.hangUp();
    const empty = await this.#untilEmpty(mustKill ? 0 : closeWithinMs);
    this.#survivors = empty ? [] : (this.#look() ?? []);
    this.#limitsReached = this.#reach(() => this.#box.limitsReached(), []);
    if (empty) this.#box.dispose();
    this.#end(empty ? this.#clock.monotonicMs() - startedMs : null);
  }

  async #untilEmpty(leaveAloneMs: number): Promise<boolean> {
    const startedMs = this.#clock.monotonicMs();
    const deadlineMs = startedMs + emptyWithinMs;
    for (let pass = 1; !this.#isEmpty(); pass += 1) {
      if (this.#clock.monotonicMs() >= deadlineMs) {
        // Its end may be known already and not be read yet.
        await loopWentRound();
        return this.#isEmpty();
      }
      const delayMs = lookAfterMs[Math.min(pass, lookAfterMs.length) - 1] as number;
      await (this.#outermostEnded
        ? sleep(this.#clock, delayMs)
        : settledWithin(this.#clock, this.#launched.ended, delayMs));
      if (this.#isEmpty()) break;
      if (this.#clock.monotonicMs() - startedMs < leaveAloneMs) continue;
      this.#look();
      this.#kill(pass);
    }
    return true;
  }

  #end(emptyAfterMs: number | null): void {
    this.#phase = "ended";
    const receipt: ContainmentReceipt = {
      level: this.level,
      implementation: this.implementation,
      processesSeen: this.#processesSeen,
      // Not empty and nobody to name: the box itself is what is left.
      survivors: emptyAfterMs === null ? Math.max(1, this.#survivors.length) : 0,
      signals: [...this.#signals],
      emptyAfterMs,
      provedBy: this.#box.provedBy,
    };
    this.#onEnded(receipt);
    this.#receipt.resolve(receipt);
    if (this.level === "best-effort") {
      for (const stream of [this.stdout, this.stderr]) void this.#giveUpHeldOutput(stream);
    }
  }

  /** A process that escaped may hold an output open indefinitely; a reader must not wait that long. */
  async #giveUpHeldOutput(stream: Readable & { bytesRead?: number }): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    stream.once("close", () => resolve());
    // Where nobody has begun to read, what is still in the pipe is kept for them.
    for (let before = -1; !stream.closed && stream.readableFlowing !== null;) {
      const read = stream.bytesRead ?? 0;
      if (read === before && stream.readableLength === 0) {
        stream.destroy();
        return;
      }
      before = read;
      await settledWithin(this.#clock, closed, heldOutputMs);
    }
  }

  #markEnding(): number {
    this.#endingSinceMs ??= this.#clock.monotonicMs();
    return this.#endingSinceMs;
  }

  /** Null if it could not be seen. */
  #look(): ContainedProcess[] | null {
    const processes = this.#reach(() => this.#box.processes(), null);
    this.#processesSeen = Math.max(this.#processesSeen, processes?.length ?? 0);
    return processes;
  }

  #kill(pass: number): void {
    this.#signals.push(...this.#reach(() => this.#box.killAll(pass), []));
  }

  /** What cannot be looked at does not count as empty. */
  #isEmpty(): boolean {
    return this.#reach(() => this.#box.isEmpty(), false);
  }

  /** The system may refuse to be looked at for a while, for want of file descriptors or memory. */
  #reach<T>(action: () => T, otherwise: T): T {
    try {
      return action();
    } catch (error) {
      ignore(
        error,
        "tried again until the time is up; the receipt then says that the box is not proved empty",
      );
      return otherwise;
    }
  }
}

const signalNames = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]),
);

/** From a shell's `$?`: above 128 it may stand for a signal. */
function payloadExit(status: number, bySignal: boolean): PayloadExit {
  const signal = bySignal ? signalNames.get(status - 128) : undefined;
  return signal === undefined ? { code: status, signal: null } : { code: null, signal };
}
