/** A backup that is taken while a daemon works, and what it is worth afterwards. */
import { until } from "@agentcore/contract/testing";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { deliver, startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const run = (...args: string[]) => agentcore(scratch, [...args, "--state-dir", scratch.stateDir]);

const linesOf = (name: string): number => {
  const path = join(scratch.workspace, name);
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean).length : 0;
};

const hook = `events: { hook: { type: webhook, path: /hook, port: 0, secret: s3cret } }
triggers: { on-hook: { on: hook, workflow: flow.yaml } }
`;

it("a backup taken while a daemon works is restored in its place, and knows what was accepted and what was running", async () => {
  writeFlow(scratch, "echo begun >> begun; until test -e go; do sleep 0.05; done; echo done >> done");
  writeDaemonFile(scratch, hook);
  const first = await startDaemon(scratch);
  for (const id of ["1", "2"]) expect(await deliver(first.ports["hook"]!, {}, { id })).toBe(202);
  await until(() => linesOf("begun") === 1);
  const saved = await run("backup", "copy");
  const path = join(scratch.workspace, "copy", "state.db");
  expect(saved).toMatchObject({ code: 0, stderr: "" });
  expect(saved.stdout).toContain(`saved ${path}, `);
  expect(readdirSync(join(scratch.workspace, "copy"))).toEqual(["state.db"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
  expect(await deliver(first.ports["hook"]!, {}, { id: "3" })).toBe(202);
  await first.kill("SIGKILL");

  // As the guide says: the files of the damaged database go, and the copy takes their place.
  const aside = join(scratch.root, "damaged");
  mkdirSync(aside);
  for (const name of readdirSync(scratch.stateDir).filter((each) => each.startsWith("state.db")))
    renameSync(join(scratch.stateDir, name), join(aside, name));
  renameSync(path, join(scratch.stateDir, "state.db"));
  const second = await startDaemon(scratch);
  expect(await deliver(second.ports["hook"]!, {}, { id: "2" })).toBe(200);
  writeFileSync(join(scratch.workspace, "go"), "");
  await until(() => linesOf("done") === 2);
  // The third delivery came after the backup: the restored daemon has not heard of it.
  expect(await deliver(second.ports["hook"]!, {}, { id: "3" })).toBe(202);
  await until(() => linesOf("done") === 3);
  await second.kill("SIGTERM");
  const { stdout } = await run("workflow", "list", "--json");
  expect(jsonLinesOf(stdout).map(({ state }) => state)).toEqual(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
});

it("nothing is overwritten, and a state directory without a database is none", async () => {
  const none = await run("backup", "copy");
  expect(none.code).toBe(2);
  expect(none.stderr).toContain(`${scratch.stateDir} has no state.db`);
  expect(existsSync(scratch.stateDir)).toBe(false);
  await run("submit", "true", "--worker=shell");
  mkdirSync(join(scratch.workspace, "copy"));
  writeFileSync(join(scratch.workspace, "copy", "state.db"), "precious");
  const taken = await run("backup", "copy");
  expect(taken.code).toBe(2);
  expect(taken.stderr).toContain("name another directory");
  expect(readFileSync(join(scratch.workspace, "copy", "state.db"), "utf8")).toBe("precious");
  writeFileSync(join(scratch.workspace, "file"), "");
  const impossible = await run("backup", "file");
  expect(impossible.code).toBe(6);
  expect(impossible.stderr).toContain("the backup could not be written to");
});
