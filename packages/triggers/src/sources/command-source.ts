/**
 * The source of `type: command`: runs a command at its interval and makes an event of what it prints, if that changed or always.
 * The baseline is in the store, in the commit of the event, so a change leads to one event even over a restart.
 */
import {
  backOffMs,
  errorText,
  isAgentCoreError,
  sleep,
  type Clock,
  type Log,
  type Timer,
} from "@agentcore/contract";
import { createHash } from "node:crypto";
import type { CommandSource } from "../definition.ts";
import type { Source, SourceCount, SourceEvent, SourceHost } from "../source.ts";
import type { Json } from "../trigger-event.ts";
import { SourceTally } from "./source-tally.ts";

/** Of the command's output. A command that prints more has failed. */
const outputBytesMax = 64 * 1024;

export interface CommandRequest {
  /** Id of the source. */
  readonly source: string;
  /** A script for bash, from the daemon file. */
  readonly command: string;
  readonly stdoutBytesMax: number;
  /** Aborted when the source closes: the command is to be ended. */
  readonly signal: AbortSignal;
}

export interface CommandResult {
  readonly stdout: string;
  readonly exitCode: number;
}

export interface CommandSourcesOptions {
  /** By id. */
  readonly sources: ReadonlyMap<string, CommandSource>;
  readonly host: SourceHost;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Runs a command, contained and with a time limit. Rejects if the command could not be started, was ended by a signal, took
   * too long, or printed too much; then there is no event, and it runs again after its interval.
   */
  readonly runCommand: (request: CommandRequest) => Promise<CommandResult>;
}

/** All command sources of a daemon. */
export class CommandSources implements Source {
  readonly #commands: readonly Command[];
  readonly #tally: SourceTally;

  constructor(options: CommandSourcesOptions) {
    this.#tally = new SourceTally(options);
    this.#commands = [...options.sources].map(
      ([id, source]) => new Command(id, source, options, this.#tally),
    );
  }

  start(): Promise<void> {
    for (const command of this.#commands) command.start();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.all(this.#commands.map((command) => command.close()));
  }

  counts(): readonly SourceCount[] {
    return this.#tally.counts();
  }
}

/** What is kept between runs: digests, since only a difference counts. */
interface Baseline {
  /** A baseline of another command is not compared. */
  readonly command: string;
  readonly stdout: string;
  readonly exitCode: number;
  /** Start of the run, on the wall clock. */
  readonly at: number;
}

const storeRetry = { minMs: 1000, maxMs: 30_000 };

class Command {
  readonly #id: string;
  readonly #source: CommandSource;
  readonly #options: CommandSourcesOptions;
  readonly #tally: SourceTally;
  readonly #abort = new AbortController();
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(id: string, source: CommandSource, options: CommandSourcesOptions, tally: SourceTally) {
    this.#id = id;
    this.#source = source;
    this.#options = options;
    this.#tally = tally;
  }

  /** After a restart, the interval goes on from the last run. A clock that was set back does not delay it further. */
  start(): void {
    const sinceMs = this.#options.clock.now() - (this.#baseline()?.at ?? Number.NEGATIVE_INFINITY);
    this.#runIn(sinceMs < 0 ? 0 : Math.max(0, this.#source.intervalMs - sinceMs));
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#timer?.cancel();
    await this.#running;
  }

  /** The next run is planned after this one has ended, so that there are never two at once. */
  #runIn(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      const startMs = this.#options.clock.monotonicMs();
      this.#running = this.#runOnce().then(() => {
        const tookMs = this.#options.clock.monotonicMs() - startMs;
        this.#runIn(Math.max(0, this.#source.intervalMs - tookMs));
      });
    });
  }

  async #runOnce(): Promise<void> {
    const at = this.#options.clock.now();
    let result: CommandResult;
    try {
      result = await this.#options.runCommand({
        source: this.#id,
        command: this.#source.command,
        stdoutBytesMax: outputBytesMax,
        signal: this.#abort.signal,
      });
    } catch (error) {
      if (!this.#abort.signal.aborted)
        this.#failed("command", "A command source could not run its command.", error);
      return;
    }
    await this.#keep(at, result);
  }

  /** Tries until it is kept: what a command printed once may never come again. */
  async #keep(at: number, { stdout, exitCode }: CommandResult): Promise<void> {
    const before = this.#baseline();
    const now: Baseline = { command: digest(this.#source.command), stdout: digest(stdout), exitCode, at };
    const changed = before !== null && (before.stdout !== now.stdout || before.exitCode !== exitCode);
    const event: SourceEvent = {
      source: this.#id,
      key: null,
      payload: { type: "command", stdout, exitCode, changed },
      chain: [],
    };
    const events = changed || this.#source.triggerOn === "always" ? [event] : [];
    for (let failures = 1; ; failures += 1) {
      try {
        await this.#options.host.acceptWithState({ source: this.#id, state: { ...now }, events });
        this.#tally.count(this.#id, events.length === 0 ? "unchanged" : "accepted");
        return;
      } catch (error) {
        this.#failed(
          "not_kept",
          "What a command source printed could not be stored; it is tried again.",
          error,
        );
      }
      await sleep(this.#options.clock, backOffMs(failures, storeRetry), this.#abort.signal);
      if (this.#abort.signal.aborted) return;
    }
  }

  #baseline(): Baseline | null {
    const state = this.#options.host.stateOf(this.#id);
    return isBaseline(state) && state.command === digest(this.#source.command) ? state : null;
  }

  #failed(kind: string, message: string, error: unknown): void {
    const code = isAgentCoreError(error) ? error.code : "";
    this.#tally.refuse(this.#id, kind, message, { code, reason: errorText(error) });
  }
}

function isBaseline(state: Json | undefined): state is Baseline & { readonly [name: string]: Json } {
  if (typeof state !== "object" || state === null || Array.isArray(state)) return false;
  const { command, stdout, exitCode, at } = state as Readonly<Record<string, Json>>;
  return (
    typeof command === "string" &&
    typeof stdout === "string" &&
    typeof exitCode === "number" &&
    typeof at === "number"
  );
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
