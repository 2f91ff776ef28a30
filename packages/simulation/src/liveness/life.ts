/**
 * Writes down the life of a worker as what can be seen of it: its events, and its calls on the wire. The times are in
 * seconds, and pass with each method that takes some.
 */
import type { WorkerEvent } from "@agentcore/contract";
import type { WatchInput } from "@agentcore/core/testing";

export interface Seen {
  readonly atMs: number;
  readonly input: WatchInput;
}

interface CallTimes {
  /** Until the first byte, and from it to the last. */
  readonly firstByte: number;
  readonly stream: number;
  /** Between two chunks. Default: 2. */
  readonly every?: number;
  /** The worker reports the parts of a response as they come, as Claude Code does with partial messages. */
  readonly isTold?: boolean;
}

export class Life {
  readonly seen: Seen[] = [];
  #s = 0;
  #bytes = 0;
  #waiting = 0;
  #streaming = 0;
  #tools = 0;

  get nowMs(): number {
    return this.#s * 1000;
  }

  wait(seconds: number): this {
    this.#s += seconds;
    return this;
  }

  says(...events: readonly WorkerEvent[]): this {
    for (const event of events) this.#note({ kind: "event", event });
    return this;
  }

  start(): this {
    return this.says({ type: "started", session: "s", model: "m" });
  }

  text(): this {
    return this.says({ type: "text", text: "…" });
  }

  ended(): this {
    return this.says({ type: "ended" });
  }

  /** Lines that say nothing about its work, for so long. */
  prints(event: WorkerEvent, every: number, seconds: number): this {
    for (let left = seconds; left >= every; left -= every) this.wait(every).says(event);
    return this;
  }

  open(identicalCalls = 1): this {
    this.#waiting += 1;
    return this.#wire(identicalCalls);
  }

  firstByte(): this {
    this.#waiting -= 1;
    this.#streaming += 1;
    return this.chunk();
  }

  chunk(): this {
    this.#bytes += 400;
    return this.#wire();
  }

  close(): this {
    if (this.#streaming > 0) this.#streaming -= 1;
    else this.#waiting -= 1;
    return this.#wire();
  }

  /** A whole call, from its request to its last byte. */
  call({ firstByte, stream, every = 2, isTold = false }: CallTimes): this {
    this.open().wait(firstByte).firstByte();
    for (let left = stream; left > 0; left -= every) {
      this.wait(Math.min(every, left)).chunk();
      if (isTold) this.says({ type: "progress", text: "answering" });
    }
    return this.close();
  }

  /** A request that is refused at once with some bytes. */
  refused(): this {
    return this.open().wait(0.3).firstByte().close();
  }

  toolBegins(): this {
    this.#tools += 1;
    return this.says({ type: "tool_call", id: `t${this.#tools}`, tool: "Bash", summary: "npm test" });
  }

  toolEnds(): this {
    return this.says({ type: "tool_result", id: `t${this.#tools}`, ok: true, exitCode: 0, summary: "" });
  }

  /** A tool that prints nothing. */
  tool(seconds: number): this {
    return this.toolBegins().wait(seconds).toolEnds();
  }

  /** Of a worker that reports a tool when it has ended. */
  unseenTool(seconds: number): this {
    return this.wait(seconds).toolBegins().toolEnds();
  }

  /** Turns of an everyday run: an answer of half a minute, then a tool of a few seconds. */
  turns(count: number): this {
    for (let i = 0; i < count; i += 1) this.call({ firstByte: 3, stream: 25 }).text().tool(8);
    return this;
  }

  /** The runtime's process was suspended. */
  sleep(seconds: number): this {
    this.#s += seconds;
    this.#note({ kind: "woke", sleptMs: seconds * 1000 });
    return this;
  }

  #wire(identicalCalls = 1): this {
    const activity = {
      waiting: this.#waiting,
      streaming: this.#streaming,
      bytes: this.#bytes,
      identicalCalls,
    };
    return this.#note({ kind: "wire", activity });
  }

  #note(input: WatchInput): this {
    this.seen.push({ atMs: this.nowMs, input });
    return this;
  }
}
