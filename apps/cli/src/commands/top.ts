/**
 * `agentcore top`: the first screen of a daemon on a terminal, until `q` or Ctrl-C. It reads the overview again after events and
 * once a second, at most four times a second, and connects again if the daemon goes away. Elsewhere, and with `--once`, it
 * prints the screen once.
 */
import type { AgentCoreClient } from "@agentcore/client";
import {
  AgentCoreError,
  errorText,
  formatDuration,
  ignore,
  isAgentCoreError,
  sleep,
  systemClock,
  type EventTopic,
} from "@agentcore/contract";
import { openClient } from "../target/open-client.ts";
import type { TargetOptions } from "../target/target.ts";
import { exitCodes } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { span, type Span } from "../screen/line.ts";
import { plainScreen } from "../screen/terminal.ts";
import { oneLine } from "../screen/text.ts";
import { topFrame, topLines, type Board } from "../screen/top-screen.ts";
import { canBeLive } from "../workflow/live/live-presenter.ts";
import { openLiveTerminal } from "../workflow/live/live-terminal.ts";

export interface TopOptions extends TargetOptions {
  readonly once?: boolean;
}

/** Between two readings, in ms: after an event, without one, and while the daemon does not answer. */
const eventMs = 250;
const lookMs = 1000;
const awayMs = 1000;
/** Longer than any answer takes. */
const answerMsMax = 10_000;

export async function top(options: TopOptions, io: Io): Promise<number> {
  const client = await openClient(options, io);
  const board = await client.showOverview();
  if (options.json === true) io.stdout.json(board);
  else if (options.once === true || !canBeLive(io))
    plainScreen(io.stdout).print(topLines(board, Date.parse(board.at)));
  else await live({ client, board }, options, io);
  return exitCodes.succeeded;
}

interface Start {
  readonly client: AgentCoreClient;
  readonly board: Board;
}

async function live({ client, board }: Start, options: TopOptions, io: Io): Promise<void> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  onInterrupt(stop);
  io.stdout.onGone(stop);
  io.stdout.onFailure(stop);
  const shown = new Shown(board);
  const terminal = openLiveTerminal({
    stdin: io.stdin,
    stdout: io.stdout,
    clock: systemClock,
    everyMs: eventMs,
    frame: (size) => topFrame(shown.view(), size),
    onPress: (press) => {
      if (press === "lines" || press === "interrupt") stop();
      if (press === "pause") shown.pause();
    },
  });
  try {
    await follow({ client, shown, open: () => openClient(options, io), signal: end.signal });
  } finally {
    terminal.close();
  }
}

/** What the screen shows: the newest board, or the one at which it was paused. */
class Shown {
  #newest: Board;
  #newestMs = systemClock.monotonicMs();
  #paused: { readonly board: Board; readonly now: number } | null = null;
  /** Why the daemon does not answer; null: it does. */
  away: { readonly since: number; readonly why: string } | null = null;

  constructor(board: Board) {
    this.#newest = board;
  }

  show(board: Board): void {
    this.#newest = board;
    this.#newestMs = systemClock.monotonicMs();
    this.away = null;
  }

  pause(): void {
    this.#paused = this.#paused === null ? { board: this.#newest, now: this.#now() } : null;
  }

  view() {
    const { board, now } = this.#paused ?? { board: this.#newest, now: this.#now() };
    return { board, now, remark: this.#remark() };
  }

  /** By the clock of the daemon, which stands still while it does not answer. */
  #now(): number {
    const at = Date.parse(this.#newest.at);
    return this.away === null ? at + systemClock.monotonicMs() - this.#newestMs : at;
  }

  #remark(): Span {
    if (this.away !== null) {
      const seconds = Math.round((systemClock.monotonicMs() - this.away.since) / 1000);
      const why = oneLine(this.away.why);
      return span(`the daemon went away ${seconds} s ago; connecting again (${why}) · q ends`, "bad");
    }
    return this.#paused === null
      ? span("q or Ctrl-C ends · p pauses", "dim")
      : span("paused · p goes on · q or Ctrl-C ends", "warn");
  }
}

interface FollowOptions {
  readonly client: AgentCoreClient;
  readonly shown: Shown;
  /** Finds the daemon again: another one may have taken its place. */
  readonly open: () => Promise<AgentCoreClient>;
  readonly signal: AbortSignal;
}

/** Resolves once the signal is aborted. Rejects with what the daemon answers, unless it may answer later. */
async function follow({ client: first, shown, open, signal }: FollowOptions): Promise<void> {
  let client = first;
  while (!signal.aborted) {
    const news = new News(client, signal);
    try {
      for (;;) {
        shown.show(await within(client.showOverview()));
        if (signal.aborted) return;
        await sleep(systemClock, eventMs, signal);
        await news.next(lookMs - eventMs);
        if (signal.aborted) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) throw error;
      shown.away ??= { since: systemClock.monotonicMs(), why: errorText(error) };
    } finally {
      news.close();
    }
    await sleep(systemClock, awayMs, signal);
    client = await open().catch((error: unknown) => {
      ignore(error, "no daemon runs yet; the next try says so again");
      return client;
    });
  }
}

const passing: ReadonlySet<string> = new Set(["AC_API_UNREACHABLE", "AC_API_BUSY", "AC_API_TIMEOUT"]);
const isPassing = (error: unknown): boolean => isAgentCoreError(error) && passing.has(error.code);

/** A daemon that is stopped takes connections and never answers. */
async function within<T>(answer: Promise<T>): Promise<T> {
  const late = new AbortController();
  const timeout = async (): Promise<never> => {
    await sleep(systemClock, answerMsMax, late.signal);
    throw new AgentCoreError("AC_API_UNREACHABLE", `no answer in ${formatDuration(answerMsMax)}`);
  };
  try {
    return await Promise.race([answer, timeout()]);
  } finally {
    late.abort();
  }
}

const topics: EventTopic[] = ["jobs", "workflows", "triggers", "daemon"];

/** Tells that something happened since it was asked last. */
class News {
  readonly #ended = new AbortController();
  #happened = Promise.withResolvers<void>();

  constructor(client: AgentCoreClient, signal: AbortSignal) {
    void this.#listen(client, AbortSignal.any([signal, this.#ended.signal]));
  }

  /** Resolves after an event, at the latest after `msMax`. */
  async next(msMax: number): Promise<void> {
    const enough = new AbortController();
    await Promise.race([this.#happened.promise, sleep(systemClock, msMax, enough.signal)]);
    enough.abort();
    this.#happened = Promise.withResolvers();
  }

  close(): void {
    this.#ended.abort();
    this.#happened.resolve();
  }

  async #listen(client: AgentCoreClient, signal: AbortSignal): Promise<void> {
    try {
      for await (const _event of client.followEvents({ topic: topics }, { signal })) this.#happened.resolve();
    } catch (error) {
      ignore(error, "whatever it is, the next reading says so");
    }
  }
}
