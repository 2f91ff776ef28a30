/** What a run writes about its steps never has a secret, even where the worker wrote it into a file of its own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runStream } from "./records/streams.ts";
import { createRunRig, type RunRig } from "./testing/run-rig.ts";
import {
  shellStep,
  shellWork,
  subWorkflow,
  testLoop,
  testStep,
  testWorkflow,
} from "./testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const secret = 'hunter2 "quoted"';
const secretValue = (name: string): string | undefined => (name === "TOKEN" ? secret : undefined);
const secrets = ["TOKEN"];

it("values, decisions and fingerprints are masked in the journal and in records", async () => {
  const decision = JSON.stringify({
    decision: "incomplete",
    reasons: [`saw ${secret}`],
    fingerprints: [secret],
  });
  const check = shellWork(
    `sed "s/ID/$AGENTCORE_COMPLETION_CHECK_ID/" > decision.json <<'E'\n${decision.replace("{", '{"check_id":"ID",')}\nE`,
    { worker: "agent" },
  );
  const values = [{ name: "v", key: "v", optional: false }];
  const steps = [
    shellStep("writes", `echo 'v=${secret}' >> "$AGENTCORE_OUTPUT"`, { values, secrets }),
    shellStep("decides", "true", {
      dependsOn: ["writes"],
      secrets,
      onFailure: "continue",
      loop: testLoop(check, { decisionFile: "decision.json", maxIterations: 1 }),
    }),
  ];
  const result = await rig.run(testWorkflow(steps), { secretValue });
  expect(result.steps[0]?.values).toEqual({ v: "***" });
  expect(result.steps[1]?.reason).toContain("saw ***");
  const { entries = [] } = (await rig.journal.read(runStream(result.run))) ?? {};
  const written = [JSON.stringify(entries), JSON.stringify(rig.events)];
  for (const name of ["writes/_meta.json", "writes/_output/1", "decides/_meta.json", "_workflow.json"])
    written.push(readFileSync(join(rig.workspace, "context", name), "utf8"));
  expect(written.filter((text) => text.includes("hunter2"))).toEqual([]);
});

it("all secrets that are missing are named at once, those of sub-workflows too, and nothing starts", async () => {
  const inner = testWorkflow([shellStep("i", "true", { secrets: ["INNER"] })], { hash: "inner" });
  const steps = [
    shellStep("a", "touch began", { secrets: ["TOKEN", "OTHER"] }),
    testStep("s", subWorkflow(inner)),
  ];
  const message = `the secret OTHER of step "a" is not set in the environment; the secret INNER of step "s/i" is not set in the environment`;
  await expect(rig.run(testWorkflow(steps), { secretValue })).rejects.toMatchObject({
    code: "AC_WORKFLOW_SECRET",
    message,
  });
  expect((await rig.store.list({})).jobs).toEqual([]);
});
