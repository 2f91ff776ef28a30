/**
 * Writes one stream of a worker to disk, unchanged. The file is created before the worker runs and must be new: an existing
 * file, link or pipe with its name is not written to. A silent worker leaves no file.
 */
import { closeSync, constants, createWriteStream, openSync, rmSync, type WriteStream } from "node:fs";
import { ignore } from "@agentcore/contract";

/** Default maximum of each stream: 1 GiB. */
export const logBytesMaxDefault = 1024 ** 3;

/** Bytes that may wait to be written before the source should pause. */
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
  /** Flushes and closes. Null if nothing was written. */
  readonly close: () => Promise<LogFile | null>;
}

export interface OutputLogOptions {
  readonly path: string;
  readonly bytesMax: number;
  /** Opens the file for writing and returns its descriptor. Default: creates a new file, and fails if it exists. */
  readonly open?: (path: string) => number;
  /** Called once when the log is full or the disk refuses a write. */
  readonly onNotice: (text: string) => void;
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

const openNew = (path: string): number => openSync(path, newFile, 0o600);

function dropEmpty(fd: number, path: string): void {
  closeSync(fd);
  try {
    rmSync(path);
  } catch (error) {
    ignore(error, "an empty file more, which pruning takes later");
  }
}

export function createOutputLog(options: OutputLogOptions): OutputLog {
  let file: WriteStream | undefined;
  let bytes = 0;
  let closed = false;
  let state: "open" | "full" | "broken" = "open";
  let waiting: (() => void) | undefined;
  const fd = create();

  function create(): number | null {
    try {
      return (options.open ?? openNew)(options.path);
    } catch (error) {
      giveUp(error as Error);
      return null;
    }
  }

  function giveUp(error: Error): void {
    if (state !== "broken") options.onNotice(`the output can no longer be kept: ${error.message}`);
    state = "broken";
  }

  function release(): void {
    const resume = waiting;
    waiting = undefined;
    resume?.();
  }

  function open(descriptor: number): WriteStream {
    const stream = createWriteStream(options.path, { fd: descriptor, highWaterMark: pendingBytesMax });
    stream.on("drain", release);
    stream.on("error", (error) => {
      giveUp(error);
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
      if (state !== "open" || chunk.length === 0 || fd === null) return true;
      file ??= open(fd);
      const room = options.bytesMax - bytes;
      const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
      bytes += kept.length;
      const flowing = file.write(kept);
      if (kept.length < chunk.length) writeMarker(file);
      return flowing;
    },
    onDrain(resume) {
      // A stream that failed, was closed or drained meanwhile emits no further event.
      if (state === "broken" || closed || file?.writableNeedDrain !== true) resume();
      else waiting = resume;
    },
    close() {
      closed = true;
      const stream = file;
      if (stream === undefined) {
        if (fd !== null) dropEmpty(fd, options.path);
        return Promise.resolve(null);
      }
      return new Promise((settle) => {
        const done = (): void => settle({ path: options.path, bytes: Math.min(bytes, stream.bytesWritten) });
        if (stream.destroyed) done();
        else stream.once("close", done).end();
      });
    },
  };
}
