import type { JSX } from "preact";
import { countText, moneyText, plainText } from "../../format.ts";
import { Link } from "../../parts/link.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Section } from "../../parts/section.tsx";
import { Money } from "../../parts/values.tsx";
import type { Overview } from "./now-view.tsx";

type Budget = Overview["budgets"][number];

export function SpendSection({
  overview,
}: {
  readonly overview: Pick<Overview, "budgets" | "spentTodayUsd">;
}): JSX.Element {
  const { budgets, spentTodayUsd } = overview;
  return (
    <Section title="Spent today" actions={<Link href="/budgets">Budgets</Link>}>
      <p class="large">
        <Money usd={spentTodayUsd} />
      </p>
      {budgets.length === 0 ? (
        <p class="faint">No budget is set: nothing but the ceiling of each job limits the spend.</p>
      ) : (
        <ul class="budget-lines">
          {budgets.map((budget) => (
            <li key={nameOf(budget)}>
              <BudgetLine budget={budget} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

const windows = { hour: " this hour", day: " today", month: " this month" } as const;

const nameOf = ({ scope, window, kind }: Budget): string =>
  `${scope === "global" ? "All work" : scope}${window === null ? "" : windows[window]}${kind === "tokens" ? ", tokens" : ""}`;

function BudgetLine({ budget }: { readonly budget: Budget }): JSX.Element {
  const { kind, limit, held, spent } = budget;
  const text = kind === "cost_usd" ? moneyText : countText;
  const name = plainText(nameOf(budget));
  return (
    <>
      <span class="foreign">{name}</span>
      <Meter value={spent + held} max={limit} label={`Spent and held of the budget ${name}`}>
        {text(spent)}
        {held > 0 && <span class="faint"> + {text(held)} held</span>}
        <span class="faint"> of {text(limit)}</span>
      </Meter>
    </>
  );
}
