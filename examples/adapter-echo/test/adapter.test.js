import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { adapterConformanceChecks, driveToEnd } from "@agentcore/worker-kit/testing";
import echoAdapter from "../src/index.js";

// What every adapter must do. A fake agent plays the worker, and prints what is given here.
describe("the echo adapter conforms:", () => {
  const hello = '{"event":"hello","model":"echo-1"}';
  const checks = adapterConformanceChecks({
    adapter: echoAdapter,
    beginning: [hello],
    success: { stdout: [hello, '{"event":"done","words":"echoed","tokens":{"in":5,"out":3}}'] },
    failures: [
      {
        name: "rate limited",
        errorClass: "rate_limited",
        stdout: [hello, '{"event":"failed","status":429,"message":"too many echoes","wait_s":2}'],
      },
      {
        name: "an unknown failure",
        errorClass: "worker_protocol",
        stdout: [hello, '{"event":"failed"}'],
      },
    ],
  });
  for (const check of checks) it(check.name, check.run);
});

// What this adapter is for, with its real worker.
describe("the echo agent", () => {
  const program = fileURLToPath(new URL("../bin/echo-agent.js", import.meta.url));
  const drive = (/** @type {Partial<import("@agentcore/contract").WorkerTask>} */ task) =>
    driveToEnd({ adapter: echoAdapter, program, task });

  it("echoes into a file where it may edit", async () => {
    const { ended, workspace } = await drive({ instructions: "hello", capabilities: ["edit"] });
    assert.equal(ended.outcome, "succeeded", ended.summary);
    assert.equal(ended.summary, "echoed 5 characters");
    assert.deepEqual(ended.observations.filesChanged, ["echo.txt"]);
    assert.deepEqual(ended.usage, { inputTokens: 5, cachedInputTokens: null, outputTokens: 3 });
    assert.equal(readFileSync(join(workspace, "echo.txt"), "utf8"), "hello");
  });

  it("is not believed where it may not, although it exits with 0 and says that it is done", async () => {
    const { ended } = await drive({ instructions: "hello", capabilities: ["read"] });
    assert.equal(ended.exitCode, 0);
    assert.equal(ended.errorClass, "permission_denied");
  });

  it("takes no argument that would let it edit", async () => {
    const { ended } = await drive({ instructions: "hello", capabilities: ["read"], args: ["--allow-write"] });
    assert.equal(ended.code, "AC_JOB_INVALID");
  });

  it("passes on how long its provider asks to wait", async () => {
    const { ended } = await drive({ instructions: "fail: please", capabilities: ["edit"] });
    assert.equal(ended.errorClass, "rate_limited");
    assert.equal(ended.retryAfterMs, 2000);
  });

  it("is not asked for what it cannot enforce", async () => {
    const { ended } = await drive({ instructions: "hello", capabilities: ["run_commands"] });
    assert.equal(ended.code, "AC_CAPABILITY_UNSUPPORTED");
  });
});
