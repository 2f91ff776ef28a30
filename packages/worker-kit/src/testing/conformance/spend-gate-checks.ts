/** Requirements on adapters whose worker can use the spend gate: what they say of its upstream, and what they plan with it. */
import {
  Cancellation,
  type PlanContext,
  type SpendGateAccess,
  type StopCause,
  type Upstream,
  type WorkerPlan,
} from "@agentcore/contract";
import { makePermit, makeTask } from "../drive.ts";
import { mustHold, type AdapterConformanceOptions, type ConformanceCheck } from "./options.ts";

const secret = "conformance-secret-value";

/** Stands for a gate; nothing listens there. */
const access: SpendGateAccess = {
  url: "http://127.0.0.1:9",
  socketPath: "/nonexistent/conformance-gate.sock",
  key: "conformance-gate-key",
};

/** None for an adapter whose worker never uses the gate. */
export function spendGateChecks(options: AdapterConformanceOptions): ConformanceCheck[] {
  if (options.adapter.spendGateUpstream === undefined) return [];
  return [
    {
      name: "with the spend gate, the worker gets the address and the key of the gate, and no credential of the caller",
      run: () => new Promise((met) => met(gateIsPlanned(options))),
    },
  ];
}

function gateIsPlanned(options: AdapterConformanceOptions): void {
  const { credentialEnv } = options.adapter.program;
  const choices =
    credentialEnv.length > 1 ? [credentialEnv, ...credentialEnv.map((name) => [name])] : [credentialEnv];
  const used = choices.filter((names) => {
    const hostEnv = hostEnvWith(options, names);
    const upstream = upstreamWith(options, hostEnv);
    if (upstream !== null) checkPlan(planWith(options, hostEnv), upstream, names.join(", "));
    return upstream !== null;
  });
  mustHold(used.length > 0, "spendGateUpstream() returns null for every credential variable");
}

function checkPlan(plan: WorkerPlan, upstream: Upstream, names: string): void {
  const environment = Object.values(plan.env);
  const visible = [plan.command, ...plan.args];
  const everything = [...environment, ...visible, ...Object.values(plan.files ?? {})];
  const has = (texts: readonly string[], part: string): boolean => texts.some((text) => text.includes(part));
  mustHold(has(environment, access.key), `${names}: no variable of the plan has the key of the gate`);
  mustHold(!has(visible, access.key), `${names}: the key of the gate is an argument; pass it in \`env\``);
  mustHold(
    has(everything, access.url) || has(everything, access.socketPath),
    `${names}: the address of the gate is not in the plan`,
  );
  const { credential } = upstream;
  if (credential.kind === "own-login") return;
  mustHold(
    !has(everything, secret),
    `${names}: the plan has a credential of the caller beside the gate's key`,
  );
  if (credential.kind !== "header") return;
  mustHold(credential.value.includes(secret), `${names}: the upstream's credential is not the caller's`);
  mustHold(plan.home === "own", `${names}: the worker gets the caller's HOME, although it needs no login`);
}

function hostEnvWith(options: AdapterConformanceOptions, names: readonly string[]): Record<string, string> {
  const { credentialEnv } = options.adapter.program;
  const given = Object.entries(options.hostEnv ?? {}).filter(([name]) => !credentialEnv.includes(name));
  return {
    PATH: "/usr/bin:/bin",
    HOME: "/nonexistent/home",
    ...Object.fromEntries(given),
    ...Object.fromEntries(names.map((name) => [name, secret])),
  };
}

function contextWith(options: AdapterConformanceOptions, hostEnv: Record<string, string>) {
  const task = makeTask(options.adapter, "/tmp", options.task);
  const { grants } = makePermit(task, new Cancellation<StopCause>(), options.model ?? null);
  return { task, context: { grants, hostEnv, settings: options.settings ?? {} } };
}

function upstreamWith(options: AdapterConformanceOptions, hostEnv: Record<string, string>): Upstream | null {
  const { task, context } = contextWith(options, hostEnv);
  return options.adapter.spendGateUpstream?.(task, context) ?? null;
}

function planWith(options: AdapterConformanceOptions, hostEnv: Record<string, string>): WorkerPlan {
  const { task, context } = contextWith(options, hostEnv);
  const whole: PlanContext = {
    ...context,
    spendGate: access,
    program: `/opt/bin/${options.adapter.program.command}`,
    attemptDir: "/nonexistent/attempt",
  };
  return options.adapter.plan(task, whole);
}
