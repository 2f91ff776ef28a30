/** A policy in the same process as the mechanism, which tries to get more than it was granted. */
import { createIds, type PermitRecord, type PermitRequest, type WorkerTask } from "@agentcore/contract";
import { expect, it, onTestFinished } from "vitest";
import { createFakeRunner, fakeAdapter } from "../testing/fake-worker.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { createRuntime } from "./create-runtime.ts";
import type { InProcessRuntime } from "./runtime-options.ts";

function rigOf() {
  const clock = createManualClock();
  const runner = createFakeRunner();
  const config = runtimeConfig({ limits: { global: { cost_usd: { day: 10 } }, job: { attempts: 2 } } });
  const adapters = [fakeAdapter({ name: "claude", provider: "anthropic" })];
  const runtime = createRuntime({ config, adapters, runner, clock, ids: createIds(clock) });
  onTestFinished(() => runtime.close());
  return { runtime, runner, config };
}

const request = () => permitRequest({ worker: "claude", capabilities: ["read"], maxCostUsd: 1 });

const taskOf = ({ worker, workspace }: PermitRequest): WorkerTask => ({
  worker,
  workspace,
  capabilities: ["read"],
  instructions: "x",
});

async function grantedTo(runtime: InProcessRuntime, asked: PermitRequest): Promise<PermitRecord> {
  const decision = await runtime.requestPermit(asked);
  if (decision.kind !== "granted") throw new TypeError(decision.message);
  return decision.permit;
}

/** A hostile act. Throwing is one way in which it has no effect. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
  }
}

const overwrite = (permit: PermitRecord): void => {
  attempt(() => ((permit.grants as { maxCostUsd: number }).maxCostUsd = 1e9));
  attempt(() => ((permit.grants as { timeoutMs: number }).timeoutMs = 1e9));
  attempt(() => permit.grants.capabilities.push("run_commands"));
  attempt(() => ((permit as { grants: unknown }).grants = { maxCostUsd: 1e9 }));
  attempt(() => Object.defineProperty(permit, "state", { value: "granted" }));
  attempt(() => permit.degraded.push({ field: "model", from: 1, to: 2, code: "", reason: "" }));
};

it.each(["requestPermit", "tryPermit"] as const)(
  "what %s returns changes nothing that is enforced, whatever is done to it",
  async (method) => {
    const { runtime, runner } = rigOf();
    const asked = request();
    const decision = await runtime[method](asked);
    if (decision.kind !== "granted") throw new TypeError(decision.message);
    overwrite(decision.permit);
    expect("signal" in decision.permit || "holds" in decision.permit || "stop" in decision.permit).toBe(
      false,
    );
    attempt(() => asked.capabilities.push("run_commands"));
    attempt(() => (asked.maxCostUsd = 1e9));
    const result = runtime.execute(decision.permit.id, taskOf(asked));
    const run = await runner.nextRun();
    expect(run.request.permit.grants).toMatchObject({
      capabilities: ["read"],
      maxCostUsd: 1,
      timeoutMs: 60_000,
    });
    expect(run.request.task.capabilities).toEqual(["read"]);
    run.emit({ type: "usage", usage: { inputTokens: 1, cachedInputTokens: 0, outputTokens: 1 }, costUsd: 1 });
    expect((await result).outcome).toBe("budget_exhausted");
  },
);

it("a request is read once: a getter that changes its mind, a proxy and a later change ask for nothing more", async () => {
  const { runtime } = rigOf();
  let reads = 0;
  const twoFaced = Object.defineProperty(request(), "maxCostUsd", {
    enumerable: true,
    get: () => ((reads += 1) === 1 ? 1 : 9),
  });
  expect((await grantedTo(runtime, twoFaced)).grants.maxCostUsd).toBe(1);
  let proxied = 0;
  const proxy = new Proxy(request(), {
    get: (target, key) => (key === "attempt" && (proxied += 1) > 1 ? 9 : Reflect.get(target, key)),
  });
  expect((await grantedTo(runtime, proxy)).attempt).toBe(1);
});

it("a task is read once, when it is executed: what it becomes later runs nowhere", async () => {
  const { runtime, runner } = rigOf();
  const asked = request();
  const permit = await grantedTo(runtime, asked);
  let reads = 0;
  const task = Object.defineProperty(taskOf(asked), "workspace", {
    enumerable: true,
    get: () => ((reads += 1) === 1 ? asked.workspace : "/somewhere/else"),
  });
  const result = runtime.execute(permit.id, task);
  task.capabilities.push("run_commands");
  task.instructions = "rm -rf /";
  const run = await runner.nextRun();
  expect(run.request.task).toMatchObject({
    workspace: asked.workspace,
    capabilities: ["read"],
    instructions: "x",
  });
  attempt(() => run.request.task.capabilities.push("edit"));
  expect(run.request.task.capabilities).toEqual(["read"]);
  run.finish();
  await result;
});

it("what is added to Object.prototype becomes part of no request and no task", async () => {
  const { runtime, runner } = rigOf();
  const asked = request();
  delete asked.maxCostUsd;
  const additions = {
    maxCostUsd: 9,
    deadline: 1,
    env: { LD_PRELOAD: "/x.so" },
    verify: "true",
    session: "s",
    args: ["--y"],
  };
  Object.assign(Object.prototype, additions);
  onTestFinished(() => {
    for (const key of Object.keys(additions)) Reflect.deleteProperty(Object.prototype, key);
  });
  const permit = await grantedTo(runtime, asked);
  const result = runtime.execute(permit.id, taskOf(asked));
  const { task } = (await runner.nextRun()).request;
  const seen = [task.env, task.verify, task.session, task.args, permit.grants.maxCostUsd];
  for (const key of Object.keys(additions)) Reflect.deleteProperty(Object.prototype, key);
  expect(seen).toEqual([undefined, undefined, undefined, undefined, 5]);
  runner.runs[0]?.finish();
  await result;
});

it("a key named __proto__, a function and a value that contains itself are no way in", async () => {
  const { runtime } = rigOf();
  const smuggled = JSON.parse(`{"__proto__": {"maxCostUsd": 9}}`) as object;
  const circular: Record<string, unknown> = { ...request() };
  circular["tenant"] = circular;
  for (const bad of [{ ...request(), model: () => "m" }, circular]) {
    await expect(runtime.requestPermit(bad as never)).rejects.toMatchObject({ code: "AC_JOB_INVALID" });
  }
  const withProto = Object.assign(Object.create(null) as object, request());
  Object.defineProperty(withProto, "__proto__", { value: smuggled, enumerable: true });
  await expect(runtime.requestPermit(withProto as never)).rejects.toMatchObject({ code: "AC_JOB_INVALID" });
});

it("a configuration that its owner changes later lifts no limit", async () => {
  const { runtime, config } = rigOf();
  attempt(() => ((config.limits.job as { attempts: number }).attempts = 100));
  const decision = await runtime.requestPermit({ ...request(), attempt: 3, maxAttempts: 50 });
  expect(decision).toMatchObject({ kind: "rejected", code: "AC_ATTEMPTS_EXHAUSTED" });
});
