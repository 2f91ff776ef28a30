import { until } from "@agentcore/contract/testing";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const fileWith = (name: string, whenBusy: string): string => {
  const file = join(scratch.root, `${name}.yaml`);
  const script = `echo ${name} >> ledger; until test -e go; do sleep 0.05; done`;
  writeFileSync(
    file,
    `name: ${name}
version: "1"
timeout: 2m
concurrency_group: { name: deploy, when_busy: ${whenBusy} }
steps:
  work: { worker: shell, capabilities: [run_commands], instructions: "${script}" }
`,
  );
  return file;
};
const at = (name: string): string => join(scratch.workspace, name);
const ledger = (): string[] =>
  existsSync(at("ledger")) ? readFileSync(at("ledger"), "utf8").trim().split("\n") : [];

it("a run waits for the group of another process, is refused with `fail`, and goes on after a kill -9 of the other", async () => {
  const first = startAgentcore(scratch, ["workflow", "run", fileWith("one", "wait"), "--json"]);
  await until(() => ledger().length === 1);
  const id = String(jsonLinesOf(first.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  const second = startAgentcore(scratch, ["workflow", "run", fileWith("two", "wait"), "--plain"]);
  await until(() => second.stdout().includes("WAITING"));
  expect(second.stdout()).toContain(
    `WAITING    for the concurrency group "deploy": run ${id.slice(-8)} is at work`,
  );
  expect((await agentcore(scratch, ["workflow", "list"])).stdout).toContain(
    "RUNNING, waits for the group deploy",
  );
  const refused = await agentcore(scratch, ["workflow", "run", fileWith("three", "fail")]);
  expect({ code: refused.code, stderr: refused.stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining(`run ${id} of the concurrency group "deploy" is at work`),
  });
  expect(ledger()).toEqual(["one"]);
  first.child.kill("SIGKILL");
  await first.finished;
  await until(() => ledger().includes("two"));
  writeFileSync(at("go"), "");
  expect((await second.finished).code).toBe(0);
  expect((await agentcore(scratch, ["workflow", "resume", id])).code).toBe(0);
});
