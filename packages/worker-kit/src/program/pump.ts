/**
 * Copies one stream of a process to its sink, no faster than the sink accepts it. Ends when the stream ends. If a process
 * outside the container still holds the other end, {@link StreamPump.abandon} stops waiting once no data arrives.
 */
import type { Readable } from "node:stream";
import type { Clock, Timer } from "@agentcore/contract";

export interface StreamSink {
  /** False: the stream pauses until `onDrain` calls back. */
  write(chunk: Buffer): boolean;
  onDrain(resume: () => void): void;
  /** Once, after the last chunk. */
  end(): void;
}

export interface StreamPump {
  /** Resolves when the stream has ended, failed or been abandoned, and the sink was notified. Never rejects. */
  readonly ended: Promise<void>;
  /** Stops reading as soon as no data has arrived for `quietMs`. */
  abandon(clock: Clock, quietMs: number): void;
}

export function pumpStream(source: Readable, sink: StreamSink): StreamPump {
  let bytesRead = 0;
  let finished = false;
  let timer: Timer | undefined;
  const ended = new Promise<void>((settle) => {
    source.on("data", (chunk: Buffer) => {
      bytesRead += chunk.length;
      if (!sink.write(chunk)) {
        source.pause();
        sink.onDrain(() => source.resume());
      }
    });
    const finish = (): void => {
      if (finished) return;
      finished = true;
      timer?.cancel();
      sink.end();
      settle();
    };
    source.once("end", finish);
    source.on("error", finish); // a broken pipe ends the output like an end does: what came before is complete
    source.once("close", finish);
    if (source.destroyed || source.readableEnded) finish();
  });
  return {
    ended,
    abandon(clock, quietMs) {
      if (finished) return; // a timer for nothing would keep the process alive
      let seen = bytesRead;
      const look = (): void => {
        if (finished) return;
        // A source that is paused for its sink is not quiet: its bytes are still waiting.
        if (bytesRead === seen && !source.isPaused()) source.destroy();
        seen = bytesRead;
        if (!finished) timer = clock.setTimer(quietMs, look);
      };
      timer ??= clock.setTimer(quietMs, look);
    },
  };
}
