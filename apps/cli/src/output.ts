/**
 * The output of a command. Output errors never stop a run: output that cannot be written is dropped with one message.
 * Control characters are removed from text for people here, for every screen and message, because workers, workflow files
 * and repositories write it; colors and cursor movements are added afterwards, through `raw`.
 */
import { jsonDocument } from "@agentcore/contract";
import { Writable } from "node:stream";
import { printableJson, printableLines } from "./screen/text.ts";
import { systemWords } from "./system-words.ts";

/** The stream below an output; `process.stdout` is one. */
export type ScreenStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

export interface Output {
  /** For colors and sizes. `Output` handles its errors. */
  readonly stream: ScreenStream;
  /** Bytes that wait for the reader. */
  readonly pendingBytes: number;
  /** Why something could not be written, in one sentence; null if all was written, or the reader is gone. */
  readonly failure: string | null;
  /** The reader is gone: a closed pipe, a closed terminal. Nothing more is written. */
  readonly isGone: boolean;
  /** Writes lines for people. Control characters are dropped. */
  write(text: string): void;
  /** Writes one line of JSON, in the form of `jsonDocument`. Control characters are escaped. */
  json(value: object): void;
  /** Writes bytes unchanged: our own escape sequences, documents in their own format, and output requested as bytes. */
  raw(chunk: string | Uint8Array): void;
  /** Resolves when the stream accepts more, or never will. */
  drained(): Promise<void>;
  /** Resolves when everything was written, or never will be. */
  flushed(): Promise<void>;
  /** Called once, when the reader is gone. */
  onGone(listener: () => void): void;
  /** Called once, at the first failed write while the reader is there. */
  onFailure(listener: (failure: string) => void): void;
}

/** Whether all of the output could be written so far, or its reader wanted no more. */
export async function isDelivered(output: Pick<Output, "flushed" | "failure">): Promise<boolean> {
  await output.flushed();
  return output.failure === null;
}

/** A pipe without a reader, a closed terminal, or a stream that the other side ended. */
const goneCodes: ReadonlySet<string> = new Set(["EPIPE", "EIO", "ECONNRESET", "ERR_STREAM_DESTROYED"]);

export function createOutput(stream: ScreenStream): Output {
  return new GuardedOutput(stream);
}

/** A stream that cannot be opened, such as a terminal that was closed before the start, accepts nothing. */
export function openOutput(open: () => ScreenStream): Output {
  try {
    const stream = open();
    doNotBlock(stream);
    return createOutput(stream);
  } catch (error) {
    const output = new GuardedOutput(new Writable({ write: (_chunk, _encoding, done) => done() }));
    output.onError(error);
    return output;
  }
}

/**
 * Node writes to terminals synchronously. A terminal that accepts nothing more (Ctrl-S, a hung connection) would stop this whole
 * process, including time limits. Pipes do not block anyway, and nobody can wait for files.
 */
function doNotBlock(stream: ScreenStream): void {
  const { isTTY, _handle: handle } = stream as ScreenStream & {
    readonly _handle?: { readonly setBlocking?: (blocking: boolean) => number };
  };
  if (isTTY === true) handle?.setBlocking?.(false);
}

class GuardedOutput implements Output {
  readonly stream: ScreenStream;
  failure: string | null = null;
  isGone = false;
  /** The last write failed, possibly in the middle of a line. */
  #isTorn = false;
  readonly #onGone: (() => void)[] = [];
  readonly #onFailure: ((failure: string) => void)[] = [];

  constructor(stream: ScreenStream) {
    this.stream = stream;
    stream.on("error", (error: unknown) => this.onError(error));
  }

  get pendingBytes(): number {
    return this.stream.writableLength;
  }

  write(text: string): void {
    this.raw(printableLines(text));
  }

  json(value: object): void {
    this.raw(`${printableJson(JSON.stringify(jsonDocument(value)))}\n`);
  }

  raw(chunk: string | Uint8Array): void {
    if (this.isGone) return;
    try {
      if (this.#isTorn) this.stream.write("\n");
      this.#isTorn = false;
      this.stream.write(chunk);
    } catch (error) {
      this.onError(error);
    }
  }

  async drained(): Promise<void> {
    const { stream } = this;
    if (!stream.writableNeedDrain || stream.destroyed || this.isGone) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off("drain", done).off("close", done).off("error", done);
        resolve();
      };
      stream.on("drain", done).on("close", done).on("error", done);
    });
  }

  async flushed(): Promise<void> {
    const { stream } = this;
    const takesMore = !this.isGone && !stream.destroyed && !stream.errored;
    // Also called after a failed write; the error comes as an event soon after.
    if (takesMore) await new Promise<void>((resolve) => void stream.write("", () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }

  onGone(listener: () => void): void {
    this.#onGone.push(listener);
  }

  onFailure(listener: (failure: string) => void): void {
    this.#onFailure.push(listener);
  }

  onError(error: unknown): void {
    const { code = "" } = error as NodeJS.ErrnoException;
    this.#isTorn = true;
    if (goneCodes.has(code)) {
      if (this.isGone) return;
      this.isGone = true;
      for (const listener of this.#onGone) listener();
      return;
    }
    if (this.failure !== null) return;
    this.failure = `the output could not be written: ${systemWords(error)}`;
    for (const listener of this.#onFailure) listener(this.failure);
  }
}
