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

  /** The exit of the outermost process, where nothing better is known: it is the payload's own, or stands for it. */
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
        // The payload itself counts, even if it is over before anybody looks.
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
    // A stopped payload could not act on it.
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
      // Not empty and nobody to name: the box itself is what is left.
      survivors: emptyAfterMs === null ? Math.max(1, this.#survivors.length) : 0,
      signals: [...this.#signals],
      emptyAfterMs,
      provedBy: this.#options.box.provedBy,
    };
    this.#options.onEnded(receipt);
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
      await settledWithin(this.#options.clock, closed, heldOutputMs);
    }
  }

  /** How many processes there are; null if they could not be seen. */
  #count(): number | null {
    const count = this.#reach(() => this.#options.box.processes().length, null);
    this.#processesSeen = Math.max(this.#processesSeen, count ?? 0);
    return count;
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
