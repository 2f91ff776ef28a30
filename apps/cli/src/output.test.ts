import { testSeed } from "@agentcore/contract/testing";
import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { createOutput, type ScreenStream } from "./output.ts";
import { eventLines } from "./present/event-lines.ts";
import { plainScreen } from "./screen/terminal.ts";
import { table } from "./screen/table.ts";

/** Accepts each chunk on demand, or fails as configured. */
function sink(write: (chunk: string, done: (error?: Error | null) => void) => void): ScreenStream {
  return new Writable({
    decodeStrings: false,
    emitClose: false,
    write: (chunk: string, _encoding, done) => write(chunk, done),
    // As `process.stdout` does: it reports an error, and the stream can be written to again.
    destroy(error, done) {
      done(error);
      (this as unknown as { _undestroy(): void })._undestroy();
    },
  });
}

const systemError = (code: string, errno: number): Error => Object.assign(new Error(code), { code, errno });

it("nothing that a terminal acts upon reaches it, whatever text is written in whatever way", () => {
  const seed = testSeed("texts of every kind");
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const parts = [
    "\u001b]52;c;aGk=\u0007",
    "\u001b[2J",
    "\u009b1A",
    "\u202e",
    "\0",
    "\u007f",
    "日本",
    "x",
    " ",
    "\u001bP",
    "\r",
  ];
  const randomText = (): string =>
    Array.from({ length: next(20) }, () =>
      next(2) === 0 ? (parts[next(parts.length)] ?? "") : String.fromCharCode(next(0x3000)),
    ).join("");
  let written = "";
  const output = createOutput(sink((chunk, done) => (written += chunk) && done()));
  for (let round = 0; round < 2000; round += 1) {
    const text = randomText();
    written = "";
    output.write(`${text}\n`);
    plainScreen(output).print(table([{ title: text }], [[{ text, tone: "bad" }]]));
    expect(written.replaceAll(/[\n\t]/g, ""), `seed ${seed}`).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    written = "";
    output.json({ [text]: text });
    expect(written, `seed ${seed}`).not.toMatch(/[\p{Cc}\p{Cf}](?!$)/u);
    expect(JSON.parse(written)).toEqual({ v: 1, [text]: text });
  }
});

it("a full disk is told once, and lines are whole again when there is room", async () => {
  let isFull = true;
  let written = "";
  const told: string[] = [];
  const output = createOutput(
    sink((chunk, done) => {
      if (isFull) return done(systemError("ENOSPC", -28));
      written += chunk;
      done();
    }),
  );
  output.onFailure((failure) => told.push(failure));
  output.json({ lost: 1 });
  output.json({ lost: 2 });
  await output.flushed();
  isFull = false;
  output.json({ kept: 3 });
  await output.flushed();
  expect(told).toEqual(["the output could not be written: no space left on device"]);
  expect({ written, isGone: output.isGone }).toEqual({ written: '\n{"v":1,"kept":3}\n', isGone: false });
});

it.each(["EPIPE", "EIO"])(
  "a reader that went away (%s) is no failure: it is told to who asks, once",
  async (code) => {
    const output = createOutput(sink((_chunk, done) => done(systemError(code, -5))));
    let gone = 0;
    output.onGone(() => (gone += 1));
    output.write("a\n");
    output.write("b\n");
    await output.flushed();
    await output.drained();
    expect({ gone, failure: output.failure, isGone: output.isGone }).toEqual({
      gone: 1,
      failure: null,
      isGone: true,
    });
  },
);

it("a reader that stopped reading costs bounded memory, and is told how much was left out", async () => {
  let take = (): void => {};
  let isStopped = true;
  let written = "";
  const output = createOutput(
    sink((chunk, done) => {
      written += chunk;
      if (isStopped) take = done;
      else done();
    }),
  );
  const lines = eventLines<{ type: string; at: number; text?: string }>(
    output,
    ({ type }) => type === "output",
  );
  const text = "x".repeat(1000);
  for (let at = 0; at < 5000; at += 1) lines.write({ type: "output", at, text });
  lines.write({ type: "decision", at: 5000 });
  expect(output.pendingBytes).toBeLessThan(2 * 1024 * 1024);
  isStopped = false;
  take();
  await output.flushed();
  const events = written
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; count?: number });
  const dropped = events.find(({ type }) => type === "events_dropped")?.count ?? 0;
  expect(events.filter(({ type }) => type === "output")).toHaveLength(5000 - dropped);
  expect(events.at(-1)?.type).toBe("decision");
});
