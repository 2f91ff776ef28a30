import { expect, it } from "vitest";
import { EventParser, type StreamMessage } from "./event-parser.ts";

it("finds the same messages in pieces of any size, and drops comments", () => {
  const stream =
    'id: 7\nevent: ready\ndata: {"v":1}\n\n: \n\nid: 8\nevent: jobs\ndata: {"type":"a: b","text":"id: 9"}\n\n: \n\n';
  for (let size = 1; size <= stream.length; size++) {
    const found: StreamMessage[] = [];
    const parser = new EventParser();
    for (let at = 0; at < stream.length; at += size) found.push(...parser.push(stream.slice(at, at + size)));
    expect(found).toEqual([
      { id: "7", event: "ready", data: '{"v":1}' },
      { id: "8", event: "jobs", data: '{"type":"a: b","text":"id: 9"}' },
    ]);
  }
});
