import { expect, it } from "vitest";
import { readWireMessage } from "./wire-message.ts";

const request = (change: object) =>
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: "load", params: {}, ...change });

it.each<[string, string, number | string | null, number, string]>([
  ["no JSON", "{", null, -32700, "AC_WIRE_MALFORMED"],
  ["an empty object", "{}", null, -32600, "AC_WIRE_MALFORMED"],
  ["a batch", `[${request({})}]`, null, -32600, "AC_WIRE_MALFORMED"],
  ["another version", request({ jsonrpc: "1.0" }), 1, -32600, "AC_WIRE_MALFORMED"],
  ["an unknown member", request({ extra: 1 }), 1, -32600, "AC_WIRE_MALFORMED"],
  ["an id that is an object", request({ id: {} }), null, -32600, "AC_WIRE_MALFORMED"],
  ["an unknown method", request({ method: "destroy" }), 1, -32601, "AC_WIRE_UNKNOWN_METHOD"],
  ["a method of every object", request({ method: "constructor" }), 1, -32601, "AC_WIRE_UNKNOWN_METHOD"],
  ["the prototype as a method", request({ method: "__proto__" }), 1, -32601, "AC_WIRE_UNKNOWN_METHOD"],
  [
    "params of the wrong shape",
    request({ method: "cancel", params: { permitId: 5 } }),
    1,
    -32602,
    "AC_WIRE_MALFORMED",
  ],
  [
    "params that are not there",
    request({ method: "cancel", params: undefined }),
    1,
    -32602,
    "AC_WIRE_MALFORMED",
  ],
  ["an unknown key in params", request({ params: { verbose: true } }), 1, -32602, "AC_WIRE_MALFORMED"],
  [
    "an unknown notification",
    request({ id: undefined, method: "event/nack" }),
    null,
    -32601,
    "AC_WIRE_UNKNOWN_METHOD",
  ],
  ["a request sent as a notification", request({ id: undefined }), null, -32601, "AC_WIRE_UNKNOWN_METHOD"],
])("%s gets its error", (_name, text, id, code, errorCode) => {
  expect(readWireMessage(text)).toMatchObject({
    kind: "invalid",
    id,
    error: { code, data: { code: errorCode } },
  });
});

it("nesting without end is no reason to crash", () => {
  expect(readWireMessage("[".repeat(1_000_000))).toMatchObject({ kind: "invalid" });
  const deep = `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`;
  expect(readWireMessage(`{"jsonrpc":"2.0","id":1,"method":"load","params":${deep}}`)).toMatchObject({
    kind: "invalid",
  });
});

it("a valid request and a valid notification are read", () => {
  expect(
    readWireMessage(request({ id: "a", method: "cancel", params: { permitId: "p", message: "m" } })),
  ).toEqual({
    kind: "request",
    id: "a",
    call: { method: "cancel", params: { permitId: "p", message: "m" } },
  });
  expect(
    readWireMessage(request({ id: undefined, method: "event/ack", params: { permitId: "p", seq: 3 } })),
  ).toEqual({
    kind: "notification",
    notice: { method: "event/ack", params: { permitId: "p", seq: 3 } },
  });
});

it("params may be left out where there are none", () => {
  expect(readWireMessage('{"jsonrpc":"2.0","id":1,"method":"load"}')).toMatchObject({ kind: "request" });
});
