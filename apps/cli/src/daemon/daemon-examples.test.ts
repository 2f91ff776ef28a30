/** The examples of the guide to the daemon, each run by a real daemon as its reader would. */
import { until } from "@agentcore/contract/testing";
import { createSqliteTriggerStore, openStateDatabase } from "@agentcore/store-sqlite";
import { parseDaemonFile, type Json } from "@agentcore/triggers";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { deliver, startDaemon, type StartedDaemon } from "../testing/daemon-process.ts";

const folder = fileURLToPath(new URL("../../../../examples/daemon", import.meta.url));
const env = { GITHUB_WEBHOOK_SECRET: "s3cret" };

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
  cpSync(join(folder, "workflows"), join(scratch.workspace, "workflows"), { recursive: true });
});
afterEach(() => scratch.remove());

const at = (name: string): string => join(scratch.workspace, name);
const read = (name: string): string => (existsSync(at(name)) ? readFileSync(at(name), "utf8") : "");
const put = (name: string, text: string): void => {
  mkdirSync(join(at(name), ".."), { recursive: true });
  writeFileSync(at(name), text);
};

/** `changes`: what a test cannot wait for, and what it puts in its place. */
async function start(
  name: string,
  changes: readonly (readonly [string, string])[] = [],
): Promise<StartedDaemon> {
  let text = readFileSync(join(folder, name), "utf8");
  for (const [from, to] of changes) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  put("daemon.yaml", text);
  return startDaemon(scratch, [], env);
}

/** As another process of the machine gives the daemon an event. */
async function emit(source: string, id: string, payload: Json): Promise<void> {
  const database = await openStateDatabase({ directory: at(".daemon-state") });
  const event = { id, source, at: Date.now(), key: id, payload, chain: [] };
  const whole = { ...event, onlyTrigger: null, replayOf: null, skipped: null };
  await createSqliteTriggerStore(database).accept({ events: [whole] });
  await database.close();
}

it("every example is a daemon file without mistakes or warnings, and is run here", async () => {
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  expect(names.toSorted()).toEqual([
    "github-review.yaml",
    "nightly.yaml",
    "orders.yaml",
    "several.yaml",
    "watch-tests.yaml",
  ]);
  for (const file of names) {
    const text = readFileSync(join(folder, file), "utf8");
    const parsed = await parseDaemonFile({
      text,
      file: join(folder, file),
      cwd: folder,
      env,
      timeZone: "UTC",
    });
    expect(parsed).toMatchObject({ ok: true, warnings: [] });
  }
});

it("the nightly maintenance deletes old logs, and says how many", async () => {
  for (const name of ["old.log", "new.log"]) put(`logs/${name}`, "");
  utimesSync(at("logs/old.log"), 1, 1);
  const daemon = await start("nightly.yaml");
  await emit("night", "2026-12-01T02:00:00.000Z", { type: "cron", firedAt: "2026-12-01T02:00:00.000Z" });
  await until(() => read("nightly.txt") === "1 old logs deleted\n");
  expect(readdirSync(at("logs"))).toEqual(["new.log"]);
  await daemon.kill("SIGTERM");
});

it("a webhook of GitHub leads to one review for each delivery that the filter lets through", async () => {
  const daemon = await start("github-review.yaml", [["port: 8080", "port: 0"]]);
  const path = "/hooks/github";
  const send = (id: string, action: string, ref: string, sha: string) => {
    const title = "$(touch pwned) `touch pwned`";
    const body = { action, pull_request: { number: 7, title, head: { sha }, base: { ref } } };
    return deliver(daemon.ports["github"]!, body, { id, path });
  };
  expect(await deliver(daemon.ports["github"]!, {}, { secret: "wrong", path })).toBe(401);
  expect(await send("1", "closed", "main", "a1")).toBe(202);
  expect(await send("2", "opened", "topic", "a1")).toBe(202);
  expect(await send("3", "opened", "main", "a1")).toBe(202);
  expect(await send("3", "opened", "main", "a1")).toBe(200);
  expect(await send("4", "synchronize", "main", "b2")).toBe(202);
  const reviews = "- #7 $(touch pwned) `touch pwned` (a1)\n- #7 $(touch pwned) `touch pwned` (b2)\n";
  await until(() => read("reviews.md").includes("b2"));
  await daemon.kill("SIGTERM");
  expect(read("reviews.md")).toBe(reviews);
  expect(existsSync(at("pwned"))).toBe(false);
});

it("a changed source runs the tests", async () => {
  put("src/add.test.sh", "exit 1\n");
  const daemon = await start("watch-tests.yaml");
  put("src/add.test.sh", "test $((1 + 1)) = 2\n");
  await until(() => existsSync(at("tests-passed.txt")));
  await daemon.kill("SIGTERM");
  expect((await daemon.finished).code).toBe(0);
});

it("what is sent to a topic is worked on, whether the daemon runs at that time or not, and once while it waits", async () => {
  await (await start("orders.yaml")).kill("SIGTERM");
  await emit("order", "first", { id: 7, item: "tea" });
  await emit("order", "again", { id: 7, item: "tea" });
  const daemon = await start("orders.yaml");
  await until(() => read("orders.txt") === "7: tea\n");
  await emit("order", "second", { id: 8, item: "milk; touch pwned" });
  await until(() => read("orders.txt").includes("milk"));
  await daemon.kill("SIGTERM");
  expect(read("orders.txt")).toBe("7: tea\n8: milk; touch pwned\n");
  expect(existsSync(at("pwned"))).toBe(false);
});

it("of several triggers each runs on its own event, after its gate and with its analysis", async () => {
  put("VERSION", "1.0.0\n");
  put("inbox/keep.txt", "");
  const daemon = await start("several.yaml", [
    ["every: 10m", "every: 1s"],
    ["interval: 1m", "interval: 1s"],
  ]);
  await emit("checkup", "nothing to do", { type: "interval" });
  put("inbox/a.tmp", "");
  await until(() => read("analysis.txt") !== "");
  expect(readdirSync(at("inbox"))).toEqual(["keep.txt"]);
  expect(read("analysis.txt")).toBe("run 0 by clean: SUCCEEDED\n");
  put("VERSION", "1.1.0\n");
  await until(() => read("releases.txt") === "version 1.1.0\n");
  await daemon.kill("SIGTERM");
  expect(read("analysis.txt").match(/SUCCEEDED/g)).toHaveLength(1);
});
