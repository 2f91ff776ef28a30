/** Two daemons whose runs send each other webhooks: the loop ends at its depth, and says which runs led to it. */
import { createSqliteTriggerStore, openStateDatabase } from "@agentcore/store-sqlite";
import { until } from "@agentcore/contract/testing";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { deliver, startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";

let pair: readonly [Scratch, Scratch];
beforeEach(() => {
  pair = [makeScratch(), makeScratch()];
});
afterEach(async () => {
  for (const scratch of pair) await scratch.remove();
});

/** Sends the chain that it got to the port in the file `other`, with a signature. */
const sender = `
import { createHmac } from "node:crypto";
import { readFileSync, appendFileSync } from "node:fs";
const body = JSON.stringify({ chain: process.env.AGENTCORE_CHAIN });
appendFileSync("ran", process.env.AGENTCORE_CHAIN + "\\n");
const answer = await fetch("http://127.0.0.1:" + readFileSync("other", "utf8") + "/hook", {
  method: "POST",
  body,
  headers: {
    "x-agentcore-chain": process.env.AGENTCORE_CHAIN,
    "x-hub-signature-256": "sha256=" + createHmac("sha256", "s3cret").update(body).digest("hex"),
  },
});
if (answer.status !== 202) process.exitCode = 1;
`;

const hook = `events:
  hook: { type: webhook, path: /hook, port: 0, secret: s3cret }
triggers:
  pass-on: { on: hook, workflow: flow.yaml, max_chain_depth: 3 }
`;

it("a loop of runs over two daemons stops at its depth, and the skipped event shows the chain", async () => {
  for (const [index, scratch] of pair.entries()) {
    writeFileSync(join(scratch.workspace, "send.mjs"), sender);
    writeFlow(scratch, `"${process.execPath}" send.mjs`);
    const file = writeDaemonFile(scratch, hook);
    writeFileSync(file, readFileSync(file, "utf8").replace("name: test", `name: daemon-${index}`));
  }
  const [one, two] = await Promise.all(pair.map((scratch) => startDaemon(scratch)));
  const ports = [one!.ports["hook"]!, two!.ports["hook"]!] as const;
  writeFileSync(join(pair[0].workspace, "other"), String(ports[1]));
  writeFileSync(join(pair[1].workspace, "other"), String(ports[0]));
  expect(await deliver(ports[0], { begin: true })).toBe(202);
  const databases = await Promise.all(pair.map(({ stateDir }) => openStateDatabase({ directory: stateDir })));
  const skipped = async () => {
    const pages = databases.map((database) =>
      createSqliteTriggerStore(database).firings({ kinds: ["skipped"], limit: 10 }),
    );
    return (await Promise.all(pages)).flat().map(({ firing }) => firing.state);
  };
  await until(async () => (await skipped()).length > 0);
  await Promise.all([one!.kill("SIGTERM"), two!.kill("SIGTERM")]);
  const ran = pair.map(({ workspace }) =>
    existsSync(join(workspace, "ran")) ? readFileSync(join(workspace, "ran"), "utf8").trim().split("\n") : [],
  );
  expect(ran.map((lines) => lines.length)).toEqual([2, 2]);
  const chain = (ran[1]![1] ?? "").split(",");
  expect(chain.map((link) => link.split("/")[0])).toEqual(["daemon-0", "daemon-1", "daemon-0", "daemon-1"]);
  const [end, ...more] = await skipped();
  expect(more).toEqual([]);
  expect(end).toMatchObject({ kind: "skipped", reason: { code: "chain_depth" } });
  for (const link of ["daemon-0", "daemon-1"]) expect(JSON.stringify(end)).toContain(link);
  for (const database of databases) await database.close();
  expect(findSurvivors(pair.map(({ root }) => root))).toEqual([]);
});
