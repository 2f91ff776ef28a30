import { until } from "@agentcore/contract/testing";
import { existsSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const me = userInfo().username;
const file = join(scratch.root, "release.yaml");
writeFileSync(
  file,
  `name: release
version: "1"
timeout: 2m
steps:
  build: { worker: shell, capabilities: [run_commands], instructions: touch built }
  ok: { depends_on: [build], approval: { message: "Release it?", who: [${me}, nobody] } }
  ship: { depends_on: [ok], worker: shell, capabilities: [run_commands], instructions: touch shipped }
  other: { approval: { message: "Something else?", who: [somebody-else] } }
`,
);
const at = (name: string): string => join(scratch.workspace, name);
const idOf = (stdout: string): string => String(jsonLinesOf(stdout.split("\n")[0] ?? "")[0]?.["run"]);

it("a run waits for approvals over kill -9, and other processes answer them", async () => {
  const first = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await until(() => first.stdout().split('"status":"WAITING"').length > 2);
  const id = idOf(first.stdout());
  const short = id.slice(-8);
  const cli = (...args: string[]) => agentcore(scratch, ["workflow", ...args]);

  const many = await cli("approve", id);
  expect({ code: many.code, stderr: many.stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining(`2 steps of run ${id} wait for an approval; name one of other, ok`),
  });
  const unknown = await cli("approve", id, "nope");
  expect({ code: unknown.code, stderr: unknown.stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining(`run ${id} has no step "nope"; there are build, ok, ship, other`),
  });
  const busy = await cli("reject", id, "ship");
  expect({ code: busy.code, stderr: busy.stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(
      `step "ship" of run ${id} does not wait for an approval (it is PENDING); these do: other, ok`,
    ),
  });
  const foreign = await cli("approve", id, "other");
  expect({ code: foreign.code, stderr: foreign.stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining(`user ${me} may not answer for step "other"; it asks somebody-else`),
  });
  expect((await cli("list")).stdout).toMatch(/RUNNING, waits for other, ok/);

  first.child.kill("SIGKILL");
  await first.finished;
  const shown = await cli("show", id);
  expect(shown.stdout).toContain(`waits for an approval: agentcore workflow approve ${short} ok`);
  expect(shown.stdout).toMatch(/^WAITING +ok .* Release it\?/m);
  const approved = await cli("approve", id, "ok", "-m", "looks fine");
  expect({ code: approved.code, stdout: approved.stdout }).toEqual({
    code: 0,
    stdout: `${short}  ok approved by ${me}; it counts when the run goes on: agentcore workflow resume ${short}\n`,
  });
  const twice = await cli("reject", id, "ok");
  expect({ code: twice.code, stderr: twice.stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(`step "ok" was already approved by ${me}`),
  });

  const second = startAgentcore(scratch, ["workflow", "resume", id, "--plain"]);
  await until(() => existsSync(at("shipped")));
  expect(second.stdout()).toContain(`PASS       ok`);
  expect(second.stdout()).toContain(`approved by ${me}: looks fine`);
  await cli("cancel", id);
  expect((await second.finished).code).toBe(130);
  const late = await cli("approve", id, "other");
  expect({ code: late.code, stderr: late.stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(
      `run ${id} has already ended (CANCELLED); nothing of it waits for an approval`,
    ),
  });
});
