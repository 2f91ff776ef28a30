/**
 * By what the service tier, the speed and the region of a response multiply the price of its tokens. The list of prices does
 * not know them. Hosted tools cost the same at every tier.
 */
import type { CallUsage } from "@agentcore/contract";
import { lazySchema } from "@agentcore/contract";
import { z } from "zod";

/** What a response says about how it was served. */
export type PricedAs = Pick<CallUsage, "serviceTier" | "speed" | "region">;

const factor = z.number().positive().max(1000);
const factorsByValue = z.record(z.string().min(1), factor);

export const priceFactorsSchema = lazySchema(() =>
  z
    .strictObject({
      service_tier: factorsByValue.optional().meta({
        description: "By service tier, such as `priority`, `flex` or `batch`.",
        examples: [{ priority: 2 }],
      }),
      speed: factorsByValue.optional().meta({ description: "By speed, such as `fast`." }),
      region: factorsByValue.optional().meta({ description: "By region of inference, such as `us`." }),
    })
    .meta({
      description:
        "By what a response multiplies the price of its tokens, by what it says of its service tier, speed and region. Overrides the built-in factors of those values, for all models of the provider.",
    }),
);
/** Factors from the configuration, by what a response says. */
export type OwnFactors = Readonly<z.infer<typeof priceFactorsSchema>>;

export interface PriceFactors {
  /** The product of the factors that apply. */
  of(as: PricedAs): number;
}

type Kind = "service_tier" | "speed" | "region";

interface Rule {
  readonly provider: string;
  readonly kind: Kind;
  readonly value: string;
  /** Models to which it applies. Absent: all. */
  readonly models?: RegExp;
  readonly factor: number;
}

/**
 * The published factors, as of 2026-11. The first rule that applies counts. OpenAI calls the tier `priority` or `fast`.
 * Anthropic's `priority` is capacity that was paid for in advance, at the ordinary price of tokens.
 */
const rules: readonly Rule[] = [
  { provider: "anthropic", kind: "service_tier", value: "batch", factor: 0.5 },
  { provider: "anthropic", kind: "service_tier", value: "priority", factor: 1 },
  { provider: "anthropic", kind: "speed", value: "fast", models: /opus-4-[67]/, factor: 6 },
  { provider: "anthropic", kind: "speed", value: "fast", factor: 2 },
  { provider: "anthropic", kind: "region", value: "us", factor: 1.1 },
  { provider: "openai", kind: "service_tier", value: "batch", factor: 0.5 },
  { provider: "openai", kind: "service_tier", value: "flex", factor: 0.5 },
  { provider: "openai", kind: "service_tier", value: "scale", factor: 1 },
  ...["priority", "fast"].flatMap((value): Rule[] => [
    { provider: "openai", kind: "service_tier", value, models: /gpt-5\.5/, factor: 2.5 },
    { provider: "openai", kind: "service_tier", value, factor: 2 },
  ]),
];

/** How providers say that a response was served as usual. */
const ordinary: ReadonlySet<string> = new Set([
  "auto",
  "default",
  "standard",
  "standard_only",
  "normal",
  "global",
  "not_available",
]);

/**
 * The factors of one model. A value that is not known counts as the dearest of its kind: the provider may have added it
 * after these rules were written.
 */
export function priceFactors(provider: string, model: string | null, own: OwnFactors = {}): PriceFactors {
  const factorOf = (kind: Kind, value: string | null): number => {
    if (value === null) return 1;
    const given = own[kind];
    if (given !== undefined && Object.hasOwn(given, value)) return given[value] ?? 1;
    if (ordinary.has(value)) return 1;
    const known = rules.filter(
      (rule) => rule.provider === provider && rule.kind === kind && (rule.models?.test(model ?? "") ?? true),
    );
    return (
      known.find((rule) => rule.value === value)?.factor ?? Math.max(1, ...known.map((rule) => rule.factor))
    );
  };
  return {
    of: ({ serviceTier, speed, region }) =>
      factorOf("service_tier", serviceTier) * factorOf("speed", speed) * factorOf("region", region),
  };
}
