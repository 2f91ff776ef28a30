/**
 * One contained run from `go` to its receipt, the same for every kind of box. It ends once, for whatever comes first:
 * the payload ends, somebody cancels it, or the box dies. What follows is decided in `contained-run-states.ts`; this class
 * performs it, and keeps what was really seen for the receipt.
 */
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import {
  ignore,
  loopWentRound,
  settledWithin,
  type CancelSignal,
  type Clock,
  type ContainmentLevel,
  type ContainmentReceipt,
  type RunIdentity,
  type Timer,
} from "@agentcore/contract";
import type { Box } from "./box.ts";
import type { Launched } from "./launch.ts";
import type { Contained, ContainedProcess, ImplementationName, PayloadExit } from "./port.ts";
import type { SignalOutcome } from "./proc.ts";
import type { RunLimitName } from "./run-limits.ts";
import {
  next,
  type RunEffect,
  type RunEvent,
  type RunState,
  type StopTiming,
} from "./contained-run-states.ts";

/** After the end of a best-effort run, an output that an escaped process holds is given up after this much silence. */
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
  /** Called once with the receipt, before any other receiver. */
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
  readonly #options: ContainedRunOptions;
  readonly #receipt = Promise.withResolvers<ContainmentReceipt>();
  readonly #signals: string[] = [];
  #state: RunState = { kind: "held" };
  #timer: Timer | null = null;
  #processesSeen = 0;
  #survivors: readonly ContainedProcess[] = [];
  #limitsReached: readonly RunLimitName[] = [];

  constructor(options: ContainedRunOptions) {
    const { box, launched, signal } = options;
    this.#options = options;
    this.level = options.level;
    this.implementation = options.implementation;
    this.identity = box.identity;
    this.stdin = launched.stdin;
    this.stdout = launched.stdout;
    this.stderr = launched.stderr;
    this.exited = this.#watchPayload();
    void launched.ended.then(() => this.#on({ type: "woken" }));
    const unfollow = signal?.onChange((request) => void this.cancel(request));
    if (unfollow !== undefined) void this.#receipt.promise.then(unfollow);
  }

  go(): void {
    this.#on({ type: "go" });
  }

  cancel({ force = false }: { readonly force?: boolean } = {}): Promise<ContainmentReceipt> {
    this.#on({ type: "cancel", force });
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
      this.#options.launched.reported.then(({ status, bySignal }) => payloadExit(status, bySignal)),
      this.#options.launched.ended.then((end) => this.#exitOfOutermost(end)),
    ]);
    if (!this.#isEmptying) this.#on({ type: "payload_ended", left: this.#count() });
    return exit;
  }

  /** Whether everything is being killed, or was. */
  get #isEmptying(): boolean {
    return this.#state.kind === "emptying" || this.#state.kind === "ended";
  }

  /** The exit of the outermost process, if nothing better is known: it is the payload's own exit, or stands for it. */
  #exitOfOutermost(end: { code: number | null; signal: NodeJS.Signals | null }): PayloadExit {
    if (end.signal !== null || this.level === "best-effort") return end;
    if (this.#isEmptying) return { code: null, signal: "SIGKILL" };
    return payloadExit(end.code ?? 0, (end.code ?? 0) > 128);
  }

  #on(event: RunEvent): void {
    const { state, effects } = next(
      this.#state,
      event,
      this.#options.clock.monotonicMs(),
      this.#options.timing,
    );
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: RunEffect): void {
    switch (effect.do) {
      case "release":
        // Count the payload itself, even if it ends before the first look.
        this.#processesSeen = 1;
        return this.#options.launched.release();
      case "term":
        return this.#on({ type: "term_tried", outcome: this.#term() });
      case "wake":
        this.#timer?.cancel();
        this.#timer = this.#options.clock.setTimer(effect.afterMs, () => this.#on({ type: "woken" }));
        return;
      case "kill":
        this.#count();
        this.#signals.push(...this.#reach(() => this.#options.box.killAll(effect.pass), []));
        return;
      case "hang_up":
        return this.#options.launched.hangUp();
      case "look":
        // A process that cannot be inspected does not count as gone.
        return this.#on({ type: "looked", isEmpty: this.#reach(() => this.#options.box.isEmpty(), false) });
      case "read_ready":
        return void loopWentRound().then(() => this.#on({ type: "ready_read" }));
      case "end":
        return this.#end(effect.emptyAfterMs);
    }
  }

  #term(): SignalOutcome {
    this.#count();
    const outcome = this.#reach(() => this.#options.box.signalPayload("SIGTERM"), "gone");
    if (outcome === "sent") this.#signals.push("TERM");
    // A stopped payload could not act on the signal.
    if (outcome !== "gone") this.#reach(() => this.#options.box.signalPayload("SIGCONT"), "gone");
    return outcome;
  }

  #end(emptyAfterMs: number | null): void {
    this.#timer?.cancel();
    if (emptyAfterMs === null) this.#survivors = this.#reach(() => this.#options.box.processes(), []);
    this.#limitsReached = this.#reach(() => this.#options.box.limitsReached(), []);
    if (emptyAfterMs !== null) this.#options.box.dispose();
    const receipt: ContainmentReceipt = {
      level: this.level,
      implementation: this.implementation,
      processesSeen: this.#processesSeen,
      // Not empty, but no process is known: the box itself is left.
      survivors: emptyAfterMs === null ? Math.max(1, this.#survivors.length) : 0,
      signals: [...this.#signals],
      emptyAfterMs: emptyAfterMs === null ? null : Math.round(emptyAfterMs),
      provedBy: this.#options.box.provedBy,
    };
    this.#options.onEnded(receipt);
    this.#receipt.resolve(receipt);
    if (this.level === "best-effort") {
      for (const stream of [this.stdout, this.stderr]) void this.#giveUpHeldOutput(stream);
    }
  }

  /** A process that escaped may hold an output open indefinitely; a reader must not wait for it. */
  async #giveUpHeldOutput(stream: Readable & { bytesRead?: number }): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    stream.once("close", () => resolve());
    // If nobody has begun to read, keep what is still in the pipe.
    for (let before = -1; !stream.closed && stream.readableFlowing !== null;) {
      const read = stream.bytesRead ?? 0;
      if (read === before && stream.readableLength === 0) {
        stream.destroy();
        return;
      }
      before = read;
      await settledWithin(this.#options.clock, closed, heldOutputMs);
    }
  }

  /** Number of processes; null if they could not be counted. */
  #count(): number | null {
    const count = this.#reach(() => this.#options.box.processes().length, null);
    this.#processesSeen = Math.max(this.#processesSeen, count ?? 0);
    return count;
  }

  /** The system may refuse inspection for a while, for lack of file descriptors or memory. */
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

/** From a shell's `$?`: a value above 128 may stand for a signal. */
function payloadExit(status: number, bySignal: boolean): PayloadExit {
  const signal = bySignal ? signalNames.get(status - 128) : undefined;
  return signal === undefined ? { code: status, signal: null } : { code: null, signal };
}
