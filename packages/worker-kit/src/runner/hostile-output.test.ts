/** Workers that misuse their streams: each ends with a typed outcome, in bounded time and memory, with nothing left. */
import { readFileSync, statSync } from "node:fs";
import { eventTextCharsMax, type WorkerEvent, type WorkerResult } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createFakeAgent } from "../testing/fake-agent.ts";
import type { FakeStep } from "../testing/fake-agent-script.ts";
import { drive, driveToEnd, type DriveOptions } from "../testing/drive.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { findSurvivors } from "../testing/survivors.ts";
import { withLiveGrowth } from "../testing/live-memory.ts";

const success = '{"type":"result","ok":true,"summary":"done"}';
const say: FakeStep = { do: "print", stream: "stdout", lines: [success] };

async function run(steps: readonly FakeStep[], options: Partial<DriveOptions> = {}) {
  const agent = createFakeAgent(steps);
  const driven = await driveToEnd({ adapter: scriptedAdapter, program: agent.program, ...options });
  return { ...driven, agent };
}

function artifact(result: WorkerResult, name: string) {
  return result.artifacts.find((each) => each.name === name);
}

function texts(events: readonly WorkerEvent[], type: "text" | "raw" | "stderr"): string[] {
  return events.flatMap((event) => (event.type === type ? [event.text] : []));
}

describe("a worker that", () => {
  it("closes its stdout early has no result, and its exit is waited for", async () => {
    const { ended } = await run([
      { do: "close", stream: "stdout" },
      { do: "wait", ms: 100 },
      { do: "write_file", path: "late", content: "x" },
    ]);
    expect(ended).toMatchObject({
      outcome: "failed",
      errorClass: "worker_protocol",
      code: "AC_WORKER_NO_RESULT",
    });
    expect(ended.observations.filesChanged).toEqual(["late"]);
  });

  it("never reads its stdin is not waited for, however long its input is", async () => {
    const { ended } = await run([say], { task: { instructions: "x".repeat(1024 * 1024 - 1000) } });
    expect(ended.outcome).toBe("succeeded");
  });

  it("reads its stdin gets all of it, and its end", async () => {
    const { ended, agent } = await run([{ do: "read_stdin" }, say], {
      task: { instructions: "ü".repeat(300_000) },
    });
    expect(ended.outcome).toBe("succeeded");
    expect(agent.ledger()).toContainEqual(expect.objectContaining({ event: "stdin", bytes: 600_000 }));
  });

  it("prints 200 MB to stderr is read to the end in bounded memory, and the log has it all", async () => {
    const bytes = 200 * 1024 * 1024;
    const line = "e".repeat(1023);
    const { value, growthMb } = await withLiveGrowth(async () => {
      let lines = 0;
      const agent = createFakeAgent([{ do: "flood", stream: "stderr", line, bytes }, say]);
      const driven = await drive({
        adapter: scriptedAdapter,
        program: agent.program,
        onEvent: (event) => void (lines += event.type === "stderr" ? 1 : 0),
      });
      return { ended: await driven.result, lines };
    });
    expect(value.ended.outcome).toBe("succeeded");
    expect(artifact(value.ended, "stderr")?.bytes).toBe(bytes);
    expect(value.lines).toBe(bytes / 1024);
    expect(growthMb).toBeLessThan(64);
  });

  it("prints one line of 50 MB is read in bounded memory; the reader gets its first part", async () => {
    const bytes = 50 * 1024 * 1024;
    const { value, growthMb } = await withLiveGrowth(() =>
      run([{ do: "long_line", stream: "stdout", prefix: '{"type":"text","text":"', bytes }, say]),
    );
    expect(value.ended.outcome).toBe("succeeded");
    const raw = value.events.find((event) => event.type === "raw");
    expect(raw).toMatchObject({ truncated: true });
    expect(raw?.type === "raw" && raw.text.length).toBe(eventTextCharsMax);
    expect(artifact(value.ended, "stdout")?.bytes).toBeGreaterThan(bytes);
    expect(growthMb).toBeLessThan(64);
  });

  it("prints broken JSON and nothing else failed in its protocol", async () => {
    const { ended, events } = await run([
      { do: "print", stream: "stdout", lines: ['{"type":"te', "}", "hello"] },
    ]);
    expect(ended).toMatchObject({ errorClass: "worker_protocol", code: "AC_WORKER_OUTPUT" });
    expect(texts(events, "raw")).toEqual(['{"type":"te', "}", "hello"]);
  });

  it("prints broken JSON between good lines has succeeded all the same", async () => {
    const { ended } = await run([{ do: "print", stream: "stdout", lines: ['{"type":"te', success] }]);
    expect(ended.outcome).toBe("succeeded");
  });

  it("prints U+2028 inside JSON is understood", async () => {
    const line = `{"type":"text","text":"a\u2028b\u2029c"}`;
    const { ended, events } = await run([{ do: "print", stream: "stdout", lines: [line, success] }]);
    expect(ended.outcome).toBe("succeeded");
    expect(texts(events, "text")).toEqual(["a\u2028b\u2029c"]);
  });

  it("prints invalid UTF-8 is understood as far as it goes, and the log has its bytes", async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"type":"text","text":"'),
      Buffer.from([0xff, 0xc3, 0x28]),
      Buffer.from(`"}\n${success}\n`),
    ]);
    const { ended, events } = await run([
      { do: "bytes", stream: "stdout", base64: bytes.toString("base64") },
    ]);
    expect(ended.outcome).toBe("succeeded");
    expect(texts(events, "text")).toEqual(["\ufffd\ufffd("]);
    expect(readFileSync(artifact(ended, "stdout")?.path ?? "")).toEqual(bytes);
  });

  it("ends without a newline has its last line read", async () => {
    const { ended } = await run([
      { do: "bytes", stream: "stdout", base64: Buffer.from(success).toString("base64") },
    ]);
    expect(ended.outcome).toBe("succeeded");
  });

  it("leaves a daemon that holds its stdout ends when it exits, and the daemon dies", async () => {
    const { ended, agent } = await run([{ do: "spawn", how: "daemon", holdOutput: true }, say]);
    expect(ended.outcome).toBe("succeeded");
    expect(ended.containment).toMatchObject({ survivors: 0 });
    expect(agent.ledger()).toContainEqual(expect.objectContaining({ event: "spawned" }));
    expect(findSurvivors([agent.tag])).toEqual([]);
  });

  it("changes its process group is still stopped whole", async () => {
    const agent = createFakeAgent([
      { do: "change_group" },
      { do: "spawn", how: "plain", holdOutput: true },
      { do: "print", stream: "stderr", lines: ["ready"] },
      { do: "hang" },
    ]);
    const driven = await drive({ adapter: scriptedAdapter, program: agent.program });
    await driven.seen((event) => event.type === "stderr" && event.text === "ready");
    driven.cancel();
    const ended = await driven.result;
    expect(ended).toMatchObject({ outcome: "cancelled", containment: { survivors: 0 } });
    expect(findSurvivors([agent.tag, (await driven.started).marker])).toEqual([]);
  });

  it("prints more than is kept goes on, and the end of the log says that it is not all", async () => {
    const { ended, events } = await run(
      [{ do: "flood", stream: "stderr", line: "x".repeat(99), bytes: 200_000 }, say],
      { limits: { logBytesMax: 100_000 } },
    );
    expect(ended.outcome).toBe("succeeded");
    const log = artifact(ended, "stderr");
    const kept = readFileSync(log?.path ?? "", "utf8");
    expect(kept).toMatch(
      /\[agentcore\] this log is full at 100000 bytes; what follows was read but is not kept\n$/,
    );
    expect(statSync(log?.path ?? "").size).toBe(log?.bytes);
    expect(events).toContainEqual({
      type: "progress",
      text: "stderr: the log is full at 100000 bytes; later output is read but not kept",
    });
    expect(texts(events, "stderr")).toHaveLength(2000);
  });
});
