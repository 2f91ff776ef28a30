/**
 * The spend gate's part of preparing a run: asks the adapter where the worker's requests go, opens the gate for them, and
 * keeps the provider's credential out of the worker's environment.
 */
import {
  AgentCoreError,
  errorText,
  isAgentCoreError,
  lazySchema,
  providerProtocolSchema,
  type PlanContext,
  type RunRequest,
  type SpendGateAccess,
  type Upstream,
  type WorkerPlan,
} from "@agentcore/contract";
import { z } from "zod";
import { pickEnv } from "../adapter-settings.ts";
import { fieldProblems } from "../field-problems.ts";
import type { RunnerOptions } from "../runner-options.ts";

type HostEnv = PlanContext["hostEnv"];

/** The spend gate of one run. */
export interface RunSpendGate {
  readonly access: SpendGateAccess;
  readonly upstream: Upstream;
}

const dollarsPerMillion = z.number().nonnegative();

const upstreamSchema = lazySchema(() =>
  z.looseObject({
    provider: z.string().min(1, "is empty"),
    protocol: providerProtocolSchema,
    baseUrl: z
      .url({ protocol: /^https?$/, error: "must be an http or https address" })
      .refine((url) => !url.endsWith("/"), { error: "must not end in /" }),
    credential: z.discriminatedUnion("kind", [
      z.looseObject({ kind: z.literal("header"), name: z.string().min(1), value: z.string().min(1) }),
      z.looseObject({ kind: z.literal("own-login") }),
      z.looseObject({ kind: z.literal("none") }),
    ]),
    price: z
      .looseObject({
        input: dollarsPerMillion,
        cachedInput: dollarsPerMillion.optional(),
        output: dollarsPerMillion,
      })
      .optional(),
  }),
);

/**
 * Null: the run calls its provider directly. Throws `AC_SPEND_GATE_REQUIRED` if it may not, `AC_ADAPTER_INVALID` for an
 * upstream that is none, and what opening the gate rejects with.
 */
export async function openSpendGate(request: RunRequest, parts: RunnerOptions): Promise<RunSpendGate | null> {
  const { adapter, openSpendGate: open, spendGateMode: mode = "auto" } = request;
  if (mode === "off") return null;
  const upstream = open === undefined ? null : upstreamOf(request, parts);
  if (open !== undefined && upstream !== null) return { access: await open(upstream), upstream };
  // A worker that calls no provider has nothing to meter.
  if (mode !== "required" || adapter.provider === null) return null;
  throw required(adapter, open !== undefined);
}

function required(adapter: RunRequest["adapter"], hasGate: boolean): AgentCoreError {
  const { name } = adapter;
  const why = !hasGate
    ? "this runtime has none"
    : adapter.spendGateUpstream === undefined
      ? "its adapter does not support it"
      : "its credential or its provider does not allow it; give it a key in the environment";
  return new AgentCoreError(
    "AC_SPEND_GATE_REQUIRED",
    `worker ${name} cannot use the spend gate, which spend_gate: required demands: ${why}`,
    { evidence: { worker: name, setting: "spend_gate" } },
  );
}

/** What the adapter returns, or throws by mistake, is an error of the adapter. */
function upstreamOf(request: RunRequest, parts: RunnerOptions): Upstream | null {
  const { adapter, task, permit, settings } = request;
  const { hostEnv, providersWithCredential } = parts;
  let upstream: Upstream | null;
  try {
    const context = { grants: permit.grants, hostEnv, settings, providersWithCredential };
    upstream = adapter.spendGateUpstream?.(task, context) ?? null;
  } catch (error) {
    if (isAgentCoreError(error)) throw error;
    throw invalid(adapter.name, `spendGateUpstream() threw: ${errorText(error)}`, error);
  }
  if (upstream === null) return null;
  const { error } = upstreamSchema.safeParse(upstream);
  if (error === undefined) return upstream;
  // A value is not shown: it may be the credential.
  const problems = fieldProblems(error.issues, {});
  throw invalid(adapter.name, `spendGateUpstream() returned no upstream: ${problems.join("; ")}`);
}

/**
 * Whether the gate has the credential and the worker has none. A worker with its own login can send requests past the gate, and
 * so can one whose provider asks for no credential.
 */
export function isKeyWithheld(
  { upstream: { credential, provider } }: RunSpendGate,
  { providersWithCredential }: Pick<RunnerOptions, "providersWithCredential">,
): boolean {
  if (credential.kind === "own-login") return false;
  return credential.kind === "header" || providersWithCredential?.includes(provider) === true;
}

/** Throws `AC_ADAPTER_INVALID` for a plan that gives the worker the credential which the gate uses in its place. */
export function requireNoCredential(worker: string, plan: WorkerPlan, { upstream }: RunSpendGate): void {
  const secret = secretOf(upstream);
  if (secret === null) return;
  const given = [...plan.args, ...Object.values(plan.env), ...Object.values(plan.files ?? {})];
  if (given.some((text) => text.includes(secret)))
    throw invalid(
      worker,
      "the plan contains the provider's credential, although the run uses the spend gate",
    );
}

/** Names of the caller's and of the task's variables that the worker gets besides the plan's. */
export interface GivenNames {
  readonly passedNames: readonly string[];
  readonly taskEnv: Readonly<Record<string, string>>;
}

/**
 * The same without variables that would lead the worker past the gate: those that the plan sets, the credentials of the
 * worker, and every other one with the value of the credential.
 */
export function withoutCredentials(
  given: GivenNames,
  hostEnv: HostEnv,
  { plan, credentialEnv, gate }: { plan: WorkerPlan; credentialEnv: readonly string[]; gate: RunSpendGate },
): GivenNames {
  const secret = secretOf(gate.upstream);
  const mayPass = (name: string, value: string | undefined): boolean =>
    !Object.hasOwn(plan.env, name) &&
    !credentialEnv.includes(name) &&
    (secret === null || value?.includes(secret) !== true);
  return {
    passedNames: given.passedNames.filter((name) => mayPass(name, pickEnv(hostEnv, [name])[name])),
    taskEnv: Object.fromEntries(
      Object.entries(given.taskEnv).filter(([name, value]) => mayPass(name, value)),
    ),
  };
}

/** A shorter credential is a placeholder, such as `ollama`, which other texts may contain. */
const secretCharsMin = 16;

/** The credential without the name of its scheme; null if the gate has none. */
function secretOf({ credential }: Upstream): string | null {
  const secret = credential.kind === "header" ? credential.value.replace(/^Bearer /i, "") : "";
  return secret.length < secretCharsMin ? null : secret;
}

function invalid(name: string, problem: string, cause?: unknown): AgentCoreError {
  return new AgentCoreError("AC_ADAPTER_INVALID", `the adapter ${name}: ${problem}`, { cause });
}
