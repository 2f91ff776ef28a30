import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { systemClock } from "@agentcore/contract";
import { pumpStream, type StreamSink } from "./pump.ts";

function sink(write: (chunk: Buffer) => boolean = () => true) {
  const state = { text: "", ended: 0, resume: undefined as (() => void) | undefined };
  const target: StreamSink = {
    write(chunk) {
      state.text += chunk.toString();
      return write(chunk);
    },
    onDrain: (resume) => (state.resume = resume),
    end: () => (state.ended += 1),
  };
  return { state, target };
}

describe("a stream that is pumped", () => {
  it("waits while its sink is behind, and goes on when the sink has caught up", async () => {
    const source = new PassThrough();
    const { state, target } = sink(() => false);
    pumpStream(source, target);
    source.write("a");
    await turn();
    source.write("b");
    await turn();
    expect(state.text).toBe("a");
    expect(source.isPaused()).toBe(true);
    state.resume?.();
    await turn();
    expect(state.text).toBe("ab");
  });

  it.each<[string, (source: PassThrough) => void]>([
    ["ends", (source) => void source.end()],
    ["breaks", (source) => void source.destroy(new Error("EIO"))],
    ["is closed", (source) => void source.destroy()],
  ])("tells its sink once that it is over when it %s", async (_what, finish) => {
    const source = new PassThrough();
    const { state, target } = sink();
    const pump = pumpStream(source, target);
    source.write("a");
    await turn();
    finish(source);
    await pump.ended;
    expect(state).toMatchObject({ text: "a", ended: 1 });
  });

  it("is over at once where it was over before", async () => {
    const source = new PassThrough();
    source.destroy();
    const { state, target } = sink();
    await pumpStream(source, target).ended;
    expect(state.ended).toBe(1);
  });

  it("that somebody else holds open is given up once nothing more arrives", async () => {
    const source = new PassThrough();
    const { state, target } = sink();
    const pump = pumpStream(source, target);
    source.write("last words");
    pump.abandon(systemClock, 20);
    await pump.ended;
    expect(state).toMatchObject({ text: "last words", ended: 1 });
    expect(source.destroyed).toBe(true);
  });

  it("is not given up while it waits for its sink", async () => {
    const source = new PassThrough();
    const { state, target } = sink(() => false);
    const looks: (() => void)[] = [];
    const pump = pumpStream(source, target);
    const clock = {
      ...systemClock,
      setTimer: (_ms: number, look: () => void) => (looks.push(look), { cancel: () => undefined }),
    };
    source.write("a");
    await turn();
    pump.abandon(clock, 20);
    looks.shift()?.();
    looks.shift()?.();
    expect(source.destroyed).toBe(false);
    state.resume?.();
    looks.shift()?.();
    await pump.ended;
    expect(source.destroyed).toBe(true);
  });
});
