/**
 * One stream of a worker, kept on disk as it came. Created with the first byte, so that a silent worker leaves no file.
 * Writes at most `bytesMax` bytes; then a marker line says that the log was full, later bytes are counted and not kept,
 * and `onNotice` is told once. The same holds for a disk that refuses: reading the worker goes on, and nothing is lost
 * without a word. Memory is bounded by the caller, which pauses its source while {@link OutputLog.write} says so.
 */
import { createWriteStream, type WriteStream } from "node:fs";

/** Kept of each stream by default: 1 GiB. */
export const logBytesMaxDefault = 1024 ** 3;

/** Waiting to be written before the source should pause. */
const pendingBytesMax = 1024 * 1024;

export interface LogFile {
  readonly path: string;
  /** On disk, the marker included. */
  readonly bytes: number;
}

export interface OutputLog {
  /** False: pause the source until `onDrain` fires. */
  readonly write: (chunk: Uint8Array) => boolean;
  readonly onDrain: (resume: () => void) => void;
  /** Flushes and closes. Null where nothing was ever written. */
  readonly close: () => Promise<LogFile | null>;
}

export interface OutputLogOptions {
  readonly path: string;
  readonly bytesMax: number;
  /** Told once when the log is full or the disk refuses. */
  readonly onNotice: (text: string) => void;
}

export function createOutputLog(options: OutputLogOptions): OutputLog {
  let file: WriteStream | undefined;
  let bytes = 0;
  let closed = false;
  let state: "open" | "full" | "broken" = "open";
  let waiting: (() => void) | undefined;

  function release(): void {
    const resume = waiting;
    waiting = undefined;
    resume?.();
  }

  function open(): WriteStream {
    const stream = createWriteStream(options.path, { highWaterMark: pendingBytesMax, mode: 0o600 });
    stream.on("drain", release);
    stream.on("error", (error) => {
      if (state !== "broken") options.onNotice(`the output can no longer be kept: ${error.message}`);
      state = "broken";
      release();
    });
    return stream;
  }

  function writeMarker(target: WriteStream): void {
    const text = `\n[agentcore] this log is full at ${options.bytesMax} bytes; what follows was read but is not kept\n`;
    state = "full";
    bytes += Buffer.byteLength(text);
    target.write(text);
    options.onNotice(`the log is full at ${options.bytesMax} bytes; later output is read but not kept`);
  }

  return {
    write(chunk) {
      if (state !== "open" || chunk.length === 0) return true;
      file ??= open();
      const room = options.bytesMax - bytes;
      const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
      bytes += kept.length;
      const flowing = file.write(kept);
      if (kept.length < chunk.length) writeMarker(file);
      return flowing;
    },
    onDrain(resume) {
      // A stream that broke, was closed or drained meanwhile will not tell again.
      if (state === "broken" || closed || file?.writableNeedDrain !== true) resume();
      else waiting = resume;
    },
    close() {
      closed = true;
      const stream = file;
      if (stream === undefined) return Promise.resolve(null);
      return new Promise((settle) => {
        const done = (): void => settle({ path: options.path, bytes: Math.min(bytes, stream.bytesWritten) });
        if (stream.destroyed) done();
        else stream.once("close", done).end();
      });
    },
  };
}
