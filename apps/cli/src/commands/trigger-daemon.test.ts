/** `trigger`, `emit` and `token` as processes, against a daemon that runs. */
import { until } from "@agentcore/contract/testing";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = `events:
  orders: { type: queue, topic: orders }
  nightly: { type: cron, schedule: "0 3 * * *", timezone: UTC }
triggers:
  on-order: { on: orders, workflow: flow.yaml }
  at-night: { on: nightly, workflow: flow.yaml }
server: { http: { port: 0 } }
`;

it("an event is emitted, its run is shown, cancelled and repeated; a chain that is too long starts nothing", async () => {
  writeFlow(scratch, "echo begun >> begun; until test -e go; do sleep 0.05; done");
  writeDaemonFile(scratch, file);
  const daemon = await startDaemon(scratch);
  const here = ["--state-dir", scratch.stateDir];
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    agentcore(scratch, args, { env });
  const firings = async () => {
    const { stdout } = await run(["trigger", "show", "on-order", "--json", ...here]);
    return jsonLinesOf(stdout).filter(({ type }) => type === "firing");
  };
  const emitted = await run(["emit", "orders", '{"n": 1}', "--key", "one", ...here]);
  expect(emitted).toMatchObject({ code: 0, stderr: "" });
  await until(() => existsSync(join(scratch.workspace, "begun")));
  const [going] = await firings();
  expect(going).toMatchObject({ state: "running", event: emitted.stdout.trim() });
  const short = String(going?.["id"]).slice(-8);
  expect((await run(["trigger", "cancel", short, ...here])).stdout).toMatch(new RegExp(`^${short}  `));
  await until(async () => (await firings())[0]?.["outcome"] === "CANCELLED");
  expect((await run(["trigger", "replay", "@last", ...here])).code).toBe(0);
  await until(async () => (await firings()).length === 2);
  const chain = ["a", "b", "c", "d"].map((name) => `other/${name}/run-${name}`).join(",");
  expect((await run(["emit", "orders", "{}", ...here], { AGENTCORE_CHAIN: chain })).code).toBe(0);
  await until(async () => (await firings()).some(({ code }) => code === "chain_depth"));
  expect((await run(["trigger", "pause", "on-order", "--note", "why", ...here])).code).toBe(0);
  expect((await run(["trigger", "fire", "on-order", ...here])).stderr).toBe(
    "agentcore: the trigger is paused, so the event starts nothing\n",
  );
  await until(async () => (await firings()).some(({ code }) => code === "paused"));
  const backfill = ["trigger", "backfill", "at-night", "--from", "2026-01-01", "--to", "2026-01-02", ...here];
  expect((await run(backfill)).stdout).toMatch(/^\S+\n$/);
  expect((await run(backfill)).stderr).toBe("agentcore: 1 event was accepted before\n");
  const created = await run(["token", "create", "ci", ...here]);
  expect(created.stderr).toContain(`it is for the daemon on ${scratch.stateDir}\n`);
  const remote = { AGENTCORE_URL: daemon.url ?? "", AGENTCORE_TOKEN: created.stdout.trim() };
  expect((await run(["trigger", "list"], remote)).stdout).toMatch(/at-night +active +nightly \(cron\)/);
  expect((await run(["trigger", "fire", "on-order"], remote)).code).toBe(3);
  await run(["token", "revoke", "@last", ...here]);
  expect((await run(["trigger", "list"], remote)).stderr).toContain("AC_API_UNAUTHORIZED");
  await daemon.kill("SIGKILL");
  expect((await run(["trigger", "list", ...here])).stderr).toContain(`no daemon runs on ${scratch.stateDir}`);
});
