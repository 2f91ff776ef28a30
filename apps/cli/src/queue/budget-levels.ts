/** The cost and token limits of the configuration, with how much of each is held, spent and left. */
import type { BudgetDocument } from "@agentcore/contract";
import { usdOf, windowStartOf, type BudgetWindow, type CounterLevel, type Ledger } from "@agentcore/core";
import type { Config } from "../config/schema.ts";

export interface Limit {
  readonly scope: string;
  readonly kind: "cost_usd" | "tokens";
  readonly window: BudgetWindow;
  readonly limit: number;
}

const windows = ["hour", "day", "month", "total"] as const satisfies readonly BudgetWindow[];

/** The limits of one scope of the configuration, per window. */
interface Scope {
  readonly cost_usd?: Partial<Record<BudgetWindow, number | undefined>> | undefined;
  readonly tokens?: Partial<Record<BudgetWindow, number | undefined>> | undefined;
}

/** The name under which the limits of `limits.tenants.default` are shown. They apply to each tenant that is not named. */
const anyOtherTenant = "tenant:*";

/** The name under which the limits of `limits.job` are shown. They apply to each job. */
const anyJob = "job:*";

/**
 * Every cost and token limit in effect, from the root down. `tenants`: names of tenants with booked amounts; those that the
 * configuration does not name have the limits of `tenants.default`, each separately.
 */
export function limitsOf({ limits }: Pick<Config, "limits">, tenants: readonly string[] = []): Limit[] {
  const named = (kind: string, scopes: Readonly<Record<string, Scope>>) =>
    Object.entries(scopes).map(([name, scope]) => ({ name: `${kind}:${name}`, scope }));
  const { default: anyOther, ...namedTenants } = limits.tenants;
  const others = tenants.filter((name) => !Object.hasOwn(namedTenants, name));
  const scopes: readonly { readonly name: string; readonly scope: Scope }[] = [
    { name: "global", scope: limits.global },
    ...named("tenant", namedTenants),
    ...(anyOther === undefined
      ? []
      : [
          ...others.map((name) => ({ name: `tenant:${name}`, scope: anyOther })),
          { name: anyOtherTenant, scope: anyOther },
        ]),
    ...named("worker", limits.workers),
    ...named("provider", limits.providers),
    {
      name: anyJob,
      scope: { cost_usd: { total: limits.job.cost_usd }, tokens: { total: limits.job.tokens } },
    },
  ];
  return scopes.flatMap(({ name, scope }) =>
    (["cost_usd", "tokens"] as const).flatMap((kind) =>
      windows.flatMap((window) => {
        const limit = scope[kind]?.[window];
        return limit === undefined ? [] : [{ scope: name, kind, window, limit }];
      }),
    ),
  );
}

/** Exported for tests. */
export async function budgetLevels(
  config: Pick<Config, "limits">,
  ledger: Pick<Ledger, "levels" | "levelsBelow">,
  now: number,
): Promise<BudgetDocument[]> {
  const booked = await ledger.levelsBelow(
    "tenant:",
    windows.map((window) => ({ window, windowStart: windowStartOf(window, now) })),
  );
  const tenants = [...new Set(booked.map(({ scope }) => scope.slice("tenant:".length)))];
  const limits = limitsOf(config, tenants);
  const levels = await ledger.levels(
    limits.map(({ scope, window }) => ({ scope, window, windowStart: windowStartOf(window, now) })),
  );
  return limits.map((limit, index) => levelOf(limit, levels[index]));
}

export function levelOf(
  { scope, kind, window, limit }: Limit,
  level: CounterLevel | undefined,
): BudgetDocument {
  const isCost = kind === "cost_usd";
  const held = isCost ? usdOf(level?.costHeldMicroUsd ?? 0) : (level?.tokensHeld ?? 0);
  const spent = isCost ? usdOf(level?.costSpentMicroUsd ?? 0) : (level?.tokensSpent ?? 0);
  const left = Math.max(0, limit - held - spent);
  const per = window === "total" ? null : window;
  return { type: "budget", scope, kind, window: per, limit, held, spent, left };
}
