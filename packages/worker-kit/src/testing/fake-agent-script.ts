/**
 * The language of the fake agent: a list of steps that a small program performs in order, in place of a real worker. It
 * can speak any protocol, because it prints what it is told, and it can misbehave in every way that workers were seen to.
 */

export type FakeStream = "stdout" | "stderr";

export type FakeStep =
  /** Prints the lines, each with `\n`. */
  | { readonly do: "print"; readonly stream: FakeStream; readonly lines: readonly string[] }
  /** Writes bytes as they are, without a newline. */
  | { readonly do: "bytes"; readonly stream: FakeStream; readonly base64: string }
  /** Prints the line again and again until that many bytes are out. */
  | { readonly do: "flood"; readonly stream: FakeStream; readonly line: string; readonly bytes: number }
  /** Prints one line of that many bytes, `prefix` first. */
  | {
      readonly do: "long_line";
      readonly stream: FakeStream;
      readonly prefix?: string;
      readonly bytes: number;
    }
  | { readonly do: "wait"; readonly ms: number }
  /** Never goes on. */
  | { readonly do: "hang" }
  /** Writes a file; the path is relative to the working directory. */
  | { readonly do: "write_file"; readonly path: string; readonly content: string }
  | { readonly do: "delete_file"; readonly path: string }
  /** Starts a process that lives for an hour, and waits until it runs; see {@link FakeChild}. */
  | { readonly do: "spawn"; readonly how: FakeChild; readonly holdOutput: boolean }
  /** From now on SIGTERM, SIGINT and SIGHUP are ignored. */
  | { readonly do: "ignore_signals" }
  /** SIGTERM makes it wait that long, add `flushed` to the ledger, and exit with the code. */
  | { readonly do: "flush_on_term"; readonly ms: number; readonly code: number }
  | { readonly do: "close"; readonly stream: FakeStream }
  /** Reads stdin to its end. Without this step it is never read. */
  | { readonly do: "read_stdin" }
  /** Goes on in a session and process group of its own; what ran so far waits for it and ends as it ends. */
  | { readonly do: "change_group" }
  /** Adds an entry to the ledger. */
  | { readonly do: "ledger"; readonly event: "cost"; readonly usd: number }
  /** Adds its arguments and environment to the ledger. */
  | { readonly do: "ledger"; readonly event: "surroundings" }
  | { readonly do: "exit"; readonly code: number }
  | { readonly do: "die"; readonly signal: "SIGKILL" | "SIGSEGV" | "SIGTERM" | "SIGABRT" };

/**
 * - `plain`: a child in the same group.
 * - `setsid`: in a session of its own.
 * - `nohup`: in the background, ignoring SIGHUP.
 * - `daemon`: forked twice, session of its own, ignoring every signal that can be ignored.
 * - `hidden`: as `daemon`, with an empty environment.
 */
export type FakeChild = "plain" | "setsid" | "nohup" | "daemon" | "hidden";
export const fakeChildren: readonly FakeChild[] = ["plain", "setsid", "nohup", "daemon", "hidden"];

export interface FakeScript {
  readonly steps: readonly FakeStep[];
  /** Appears in the command line of every process it starts, so that they can be counted from outside. */
  readonly tag: string;
  /** File that it appends to, one JSON object a line, each on disk before the next step begins. */
  readonly ledger: string;
  /** Arguments that make it print {@link version} and nothing else. */
  readonly versionArgs: readonly string[];
  readonly version: string;
}

/** What the ledger holds: the truth about a run, written by the worker itself. */
export type FakeLedgerEntry =
  | { readonly event: "start"; readonly at: number; readonly runId: string | null }
  | { readonly event: "cost"; readonly at: number; readonly usd: number }
  | { readonly event: "stdin"; readonly at: number; readonly bytes: number }
  | { readonly event: "spawned"; readonly at: number; readonly how: FakeChild }
  | { readonly event: "flushed"; readonly at: number }
  | {
      readonly event: "surroundings";
      readonly at: number;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  /** Not there: it did not get to its end. */
  | { readonly event: "end"; readonly at: number };
