import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SseReader } from "./sse-reader.ts";

const seed = testSeed("random event streams, randomly divided");

function read(parts: readonly (string | Uint8Array)[]) {
  const events: (readonly [string | null, string])[] = [];
  let data: Uint8Array[] = [];
  let unknownLines = 0;
  const open: number[] = [];
  const reader = new SseReader({
    data: (part) => data.push(Uint8Array.from(part)),
    dispatch(name) {
      events.push([name, Buffer.concat(data).toString()]);
      data = [];
    },
    unknownLine: () => unknownLines++,
  });
  for (const part of parts) {
    reader.push(Buffer.from(part));
    open.push(reader.openBytes);
  }
  return { events, unknownLines, open };
}

const bytesOf = (text: string) => [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));

const streams: [string, [string | null, string][]][] = [
  ["data: a\n\n", [[null, "a"]]],
  ["data:a\n\n", [[null, "a"]]],
  ["data:  a\n\n", [[null, " a"]]],
  ["event: x\ndata: a\n\n", [["x", "a"]]],
  ["event:\ndata: a\n\n", [[null, "a"]]],
  [
    "data: a\r\n\r\ndata: b\r\n\r\n",
    [
      [null, "a"],
      [null, "b"],
    ],
  ],
  [
    "data: a\r\rdata: b\r\r",
    [
      [null, "a"],
      [null, "b"],
    ],
  ],
  ["data: a\ndata: b\n\n", [[null, "a\nb"]]],
  ["data\n\n", [[null, ""]]],
  [": ping\n\ndata: a\n\n: ping\n\n", [[null, "a"]]],
  ["id: 7\nretry: 10\ndata: a\n\n", [[null, "a"]]],
  ["\ufeffdata: a\n\n", [[null, "a"]]],
  ["event: x\n\ndata: a\n\n", [[null, "a"]]],
  ["data: a: b: ä\n\n", [[null, "a: b: ä"]]],
  ["data: unfinished", []],
  ["data: unfinished\n", []],
  ["", []],
];

describe("the reader of server-sent events", () => {
  it.each(streams)("reads %j as %j, whole and byte by byte", (text, events) => {
    expect(read([text])).toMatchObject({ events, unknownLines: 0 });
    expect(read(bytesOf(text))).toMatchObject({ events, unknownLines: 0 });
  });

  it("reads the same events however the stream is divided", () => {
    const line = fc.oneof(
      fc.string({ maxLength: 12 }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, "")}`),
      fc.constantFrom("event: x", ": ping", "", "", "id: 1"),
    );
    const stream = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n")));
    fc.assert(
      fc.property(stream, fc.array(fc.nat()), (lines, cuts) => {
        const bytes = Buffer.from(lines.map(([text, end]) => text + end).join(""));
        const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
        const parts = [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
        const whole = read([bytes]);
        expect(read(parts).events).toEqual(whole.events);
        expect(read(bytesOf(bytes.toString())).open.at(-1) ?? 0).toBe(whole.open.at(-1));
      }),
      { seed },
    );
  });

  it("knows how many bytes belong to an event that has not ended", () => {
    expect(
      read(["data: a\n\n", "data: b", "\n", "\n", ": ping\r\n", "\r", "\n", "data: c\n\nda"]).open,
    ).toEqual([0, 7, 8, 0, 8, 0, 0, 2]);
  });

  it("notices lines that no event stream has", () => {
    expect(read(["<!DOCTYPE html>\n<html lang='en'>\n"]).unknownLines).toBe(2);
  });

  it("reads a line of 100 MB without keeping it", () => {
    let bytes = 0;
    let events = 0;
    const reader = new SseReader({
      data: (part) => (bytes += part.length),
      dispatch: () => events++,
      unknownLine: () => {},
    });
    const chunk = Buffer.alloc(1024 * 1024, "x");
    const before = process.memoryUsage();
    reader.push(Buffer.from(`${"field".repeat(100_000)}: x\nevent: ${"name".repeat(100_000)}\ndata: `));
    for (let i = 0; i < 100; i++) reader.push(chunk);
    reader.push(Buffer.from("\n\n"));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect([bytes, events, reader.openBytes]).toEqual([100 * 1024 * 1024, 1, 0]);
    expect(heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(30 * 1024 * 1024);
  });
});
