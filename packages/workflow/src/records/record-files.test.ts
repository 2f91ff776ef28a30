import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as soon } from "node:timers/promises";
import { expect, it } from "vitest";
import { writeJson } from "./record-files.ts";

it("whoever reads a record while it is written finds one whole record or another", async () => {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-records-"));
  const path = join(directory, "below", "_meta.json");
  await writeJson(path, { n: 0, text: "" });
  const last = 200;
  const writing = (async () => {
    for (let n = 1; n <= last; n++) await writeJson(path, { n, text: "x".repeat(n * 500) });
  })();
  const seen = new Set<number>();
  while (!seen.has(last)) {
    const { n, text } = JSON.parse(readFileSync(path, "utf8")) as { n: number; text: string };
    expect(text.length).toBe(n * 500);
    seen.add(n);
    await soon();
  }
  await writing;
  expect(seen.size).toBeGreaterThan(1);
  expect(readdirSync(join(directory, "below"))).toEqual(["_meta.json"]);
  rmSync(directory, { recursive: true });
});
