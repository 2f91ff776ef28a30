import { existsSync, readFileSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createOutputLog } from "./output-log.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";

function log(bytesMax = 1000) {
  const path = join(makeTemporaryDirectory("log"), "stdout.log");
  const notices: string[] = [];
  return { path, notices, log: createOutputLog({ path, bytesMax, onNotice: (text) => notices.push(text) }) };
}

describe("the log of a stream", () => {
  it("does not exist where nothing was printed", async () => {
    const { path, log: target } = log();
    expect(target.write(Buffer.alloc(0))).toBe(true);
    expect(await target.close()).toBeNull();
    expect(existsSync(path)).toBe(false);
  });

  it("holds every byte up to its limit", async () => {
    const { path, notices, log: target } = log(10);
    target.write(Buffer.from("12345"));
    target.write(Buffer.from("67890"));
    expect(await target.close()).toEqual({ path, bytes: 10 });
    expect(readFileSync(path, "utf8")).toBe("1234567890");
    expect(notices).toEqual([]);
  });

  it("ends with a mark where there was more, says so once, and takes the rest without keeping it", async () => {
    const { path, notices, log: target } = log(7);
    target.write(Buffer.from("12345"));
    target.write(Buffer.from("67890"));
    expect(target.write(Buffer.from("more"))).toBe(true);
    const file = await target.close();
    const text = readFileSync(path, "utf8");
    expect(text).toBe(
      "1234567\n[agentcore] this log is full at 7 bytes; what follows was read but is not kept\n",
    );
    expect(file?.bytes).toBe(text.length);
    expect(notices).toEqual(["the log is full at 7 bytes; later output is read but not kept"]);
  });

  it("asks for a pause while the disk is behind, and calls back when it has caught up", async () => {
    const { path, log: target } = log(1024 ** 3);
    const chunk = Buffer.alloc(256 * 1024, "x");
    let written = 1;
    while (target.write(chunk)) written += 1;
    expect(written).toBeLessThanOrEqual(5);
    await new Promise<void>((resume) => target.onDrain(resume));
    expect(await target.close()).toEqual({ path, bytes: written * chunk.length });
  });

  it("that a full disk refuses says so, and holds nobody up", async () => {
    const directory = makeTemporaryDirectory("log");
    const path = join(directory, "stdout.log");
    const notices: string[] = [];
    const target = createOutputLog({
      path,
      bytesMax: 1024 ** 3,
      open: () => openSync("/dev/full", "w"),
      onNotice: (text) => notices.push(text),
    });
    const chunk = Buffer.alloc(2 * 1024 * 1024, "x");
    expect(target.write(chunk)).toBe(false);
    await new Promise<void>((resume) => target.onDrain(resume));
    expect(target.write(chunk)).toBe(true);
    expect(await target.close()).toEqual({ path, bytes: 0 });
    expect(notices).toEqual([expect.stringContaining("the output can no longer be kept: ENOSPC")]);
  });

  it("that cannot be created says so, and holds nobody up", async () => {
    const notices: string[] = [];
    const target = createOutputLog({
      path: "/no/such/place",
      bytesMax: 10,
      onNotice: (text) => notices.push(text),
    });
    target.write(Buffer.from("x"));
    expect(await target.close()).toBeNull();
    expect(notices).toEqual([expect.stringContaining("ENOENT")]);
  });
});
