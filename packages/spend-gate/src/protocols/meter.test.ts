import { readdirSync, readFileSync } from "node:fs";
import { type CallUsage, noCallUsage, type ProviderProtocol, providerProtocols } from "@agentcore/contract";
import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { protocols, type ResponseMeter } from "./index.ts";

const seed = testSeed("random responses, randomly divided");
const folder = new URL("../../recordings/", import.meta.url);

/** What a server for tests sent in each protocol, as a stream and as one document. */
const recordings = readdirSync(folder).map((file) => ({
  file,
  protocol: providerProtocols.find((each) => file.startsWith(each)) ?? "openai-chat",
  bytes: readFileSync(new URL(file, folder)),
}));

function stateOf(meter: ResponseMeter) {
  return {
    usage: meter.usage(),
    visible: meter.visibleOutputBytes(),
    isComplete: meter.isComplete(),
    open: meter.openEventBytes(),
    fault: meter.fault(),
  };
}

function metered(
  protocol: ProviderProtocol,
  parts: readonly Uint8Array[],
  contentType: string | null = null,
) {
  const meter = protocols[protocol].meter(contentType);
  for (const part of parts) meter.push(part);
  return stateOf(meter);
}

function at(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

const used: CallUsage = { ...noCallUsage, inputTokens: 1200, cacheReadTokens: 1000, outputTokens: 30 };

describe("a meter", () => {
  it.each(recordings)(
    "reads $file, whole, byte by byte, and with lines that end otherwise",
    ({ protocol, bytes }) => {
      const whole = metered(protocol, [bytes]);
      expect(whole).toMatchObject({ usage: used, isComplete: true, open: 0, fault: null });
      expect(whole.visible).toBeGreaterThan(15);
      expect(
        metered(
          protocol,
          [...bytes].map((byte) => Uint8Array.of(byte)),
        ),
      ).toEqual(whole);
      const withReturns = Buffer.from(bytes.toString().replaceAll("\n", "\r\n"));
      expect(metered(protocol, [withReturns])).toEqual(whole);
    },
  );

  it.each(recordings)("reads $file however it is divided", ({ protocol, bytes }) => {
    const whole = metered(protocol, [bytes]);
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        expect(metered(protocol, at(bytes, cuts))).toEqual(whole);
      }),
      { seed, numRuns: 50 },
    );
  });

  it.each(recordings)(
    "of a part of $file never reports more than of the whole, and is complete only at its end",
    ({ protocol, bytes }) => {
      const whole = metered(protocol, [bytes]);
      const meter = protocols[protocol].meter(null);
      let visible = 0;
      const complete: number[] = [];
      for (const [i, byte] of bytes.entries()) {
        meter.push(Uint8Array.of(byte));
        const state = stateOf(meter);
        expect(state.visible).toBeGreaterThanOrEqual(visible);
        visible = state.visible;
        for (const [name, value] of Object.entries(state.usage ?? {}))
          if (typeof value === "number")
            expect(value).toBeLessThanOrEqual(whole.usage?.[name as "inputTokens"] ?? 0);
        if (state.isComplete && complete.length === 0) complete.push(i);
      }
      // The last event, which settles the call, is the one that completes it: nothing but `[DONE]` comes after.
      const rest = bytes
        .subarray((complete[0] ?? 0) + 1)
        .toString()
        .trim();
      expect(["", "data: [DONE]"]).toContain(rest);
    },
  );

  it.each([
    ["anthropic-messages", '{"input_tokens":100,"output_tokens":10}', null],
    ["anthropic-messages", '{"input_tokens":100,"output_tokens":0}', null],
    ["anthropic-messages", '{"input_tokens":100}', "output"],
    ["anthropic-messages", '{"output_tokens":10}', "input"],
    ["anthropic-messages", '{"input_tokens":null,"output_tokens":10}', "input"],
    ["anthropic-messages", '{"input_tokens":100,"output_tokens":10,"cache_read_input_tokens":null}', null],
    ["openai-chat", '{"prompt_tokens":100,"completion_tokens":10}', null],
    ["openai-chat", '{"prompt_tokens":100,"total_tokens":110}', null],
    ["openai-chat", '{"prompt_tokens":100,"total_tokens":100}', "output"],
    ["openai-responses", '{"input_tokens":100,"output_tokens":10}', null],
    ["openai-responses", '{"input_tokens":100}', "output"],
  ] as const)("of %s with the usage %s says that it misses %s", (protocol, usage, missing) => {
    const meter = protocols[protocol].meter("application/json");
    meter.push(Buffer.from(`{"usage":${usage}}`));
    expect({ missing: meter.missing(), isComplete: meter.isComplete() }).toEqual({
      missing,
      isComplete: true,
    });
  });

  it.each([
    ['{"output_tokens":10}', null],
    ["null", "output"],
  ])(
    "takes the number of message_start for a first one: with %s at the end it misses %s",
    (usage, missing) => {
      const meter = protocols["anthropic-messages"].meter("text/event-stream");
      const event = (data: string) => meter.push(Buffer.from(`data: ${data}\n\n`));
      event('{"type":"message_start","message":{"usage":{"input_tokens":100,"output_tokens":1}}}');
      expect(meter.missing()).toBe("output");
      event(`{"type":"message_delta","delta":{},"usage":${usage}}`);
      event('{"type":"message_stop"}');
      expect(meter.missing()).toBe(missing);
    },
  );

  it("never throws, whatever it is given", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(...recordings.map(({ bytes }) => bytes.subarray(0, 700))),
      fc
        .constantFrom("data: ", "\n\n", '{"usage":', "{", "[", '"', "\\", "data: [DONE]", "event: error\n")
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...providerProtocols),
        fc.constantFrom(null, "text/event-stream", "application/json"),
        fc.array(piece),
        (protocol, contentType, parts) => {
          expect(metered(protocol, parts, contentType).visible).toBeGreaterThanOrEqual(0);
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it.each(providerProtocols)("of %s reads a response that is named wrongly or not at all", (protocol) => {
    for (const { bytes, file } of recordings.filter((each) => each.protocol === protocol)) {
      expect(metered(protocol, [bytes], null).usage).toEqual(used);
      expect(
        metered(protocol, [bytes], file.endsWith(".sse") ? "application/json" : "text/plain").usage,
      ).toEqual(used);
    }
  });

  it.each<[string, string | null, string, RegExp]>([
    ["a page", "text/html", "<!DOCTYPE html><title>Blocked</title>", /no JSON: it begins with "<!DOCTYPE/],
    [
      "a page that is called a stream",
      "text/event-stream",
      "<!DOCTYPE html>\n<title>Blocked</title>\n",
      /no event stream/,
    ],
    [
      "an event without JSON",
      "text/event-stream",
      "data: upstream timed out\n\n",
      /no JSON: it begins with "upstream timed out"/,
    ],
    [
      "a document that breaks off into noise",
      "application/json",
      '{"usage":{"input_tokens":5}}}}',
      /no JSON/,
    ],
  ])("says what is wrong with %s", (_what, contentType, body, fault) => {
    for (const protocol of providerProtocols)
      expect(metered(protocol, [Buffer.from(body)], contentType).fault).toMatch(fault);
  });

  it.each(providerProtocols)("of %s goes on after an event that is none", (protocol) => {
    const stream = recordings.find(({ file }) => file === `${protocol}.sse`)?.bytes ?? Buffer.of();
    const damaged = metered(protocol, [Buffer.from('data: {"type":"x","usage":{"inp\n\n'), stream]);
    expect(damaged).toMatchObject({ usage: used, isComplete: true });
    expect(damaged.fault).toContain("no JSON");
  });

  it.each(providerProtocols)("of %s has no usage and no fault before anything came", (protocol) => {
    const nothing = { usage: null, visible: 0, isComplete: false, open: 0, fault: null };
    expect(metered(protocol, [])).toEqual(nothing);
    expect(metered(protocol, [Buffer.from(": keep-alive\n\n")])).toEqual(nothing);
  });

  it("reads a terminal event of 100 MB without keeping it", () => {
    const meter = protocols["openai-responses"].meter("text/event-stream");
    const chunk = Buffer.alloc(1024 * 1024, "x");
    const before = process.memoryUsage();
    meter.push(
      Buffer.from('data: {"type":"response.completed","response":{"output":[{"type":"message","result":"'),
    );
    for (let i = 0; i < 100; i++) meter.push(chunk);
    meter.push(Buffer.from('"}],"usage":{"input_tokens":7,"output_tokens":9}}}\n\n'));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(meter.usage()).toMatchObject({ inputTokens: 7, outputTokens: 9 });
    expect(meter.isComplete()).toBe(true);
    expect(heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(30 * 1024 * 1024);
  });
});
