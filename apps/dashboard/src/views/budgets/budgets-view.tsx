import type { BudgetDocument, Printed } from "@agentcore/contract";
import type { ComponentChildren, JSX } from "preact";
import { get } from "../../api/call.ts";
import { countText, plainText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { Meter } from "../../parts/meter.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { PageHead, Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Money } from "../../parts/values.tsx";
import { OpenHolds } from "./open-holds.tsx";
import { SpendOverTime } from "./spend-over-time.tsx";
import "./budgets.css";

type Budget = Printed<BudgetDocument>;

const amount = ({ kind }: Budget, value: number): ComponentChildren =>
  kind === "cost_usd" ? <Money usd={value} /> : `${countText(value)} tokens`;

const windowText = ({ window }: Budget): string => (window === null ? "in all" : `per ${window}`);

const shareOf = ({ spent, held, limit }: Budget): number =>
  limit > 0 ? Math.round(((spent + held) / limit) * 100) : 100;

const columns: readonly Column<Budget>[] = [
  {
    header: "Of",
    cell: ({ scope }) => <span class={scope === "global" ? undefined : "below"}>{plainText(scope)}</span>,
  },
  {
    header: "Limit",
    cell: (budget) => (
      <>
        {amount(budget, budget.limit)} {windowText(budget)}
      </>
    ),
  },
  {
    header: "Used",
    cell: (budget) => (
      <Meter
        value={budget.spent + budget.held}
        max={budget.limit}
        label={`Used of the ${budget.kind === "tokens" ? "tokens" : "dollars"} of ${budget.scope} ${windowText(budget)}`}
      >
        {shareOf(budget)} %
      </Meter>
    ),
  },
  { header: "Spent", align: "end", cell: (budget) => amount(budget, budget.spent) },
  { header: "Held", align: "end", narrow: true, cell: (budget) => amount(budget, budget.held) },
  { header: "Left", align: "end", cell: (budget) => amount(budget, budget.left) },
];

export function BudgetsView(): JSX.Element {
  const { data, error } = useLive(
    (signal) => get<{ readonly items: readonly Budget[] }>("/v1/budgets", {}, signal),
    { topics: ["jobs"] },
    [],
  );
  return (
    <>
      <PageHead title="Budgets" />
      <ErrorNote error={error} />
      <Section title="Limits" count={data?.items.length}>
        {data === null ? (
          error === null && <Loading />
        ) : (
          <Table
            columns={columns}
            rows={data.items}
            rowKey={({ scope, kind, window }) => `${scope} ${kind} ${window}`}
            empty="The configuration sets no limit on cost or tokens."
            caption="Limits on cost and tokens"
          />
        )}
        <p class="faint">Held is what running attempts may still spend. Windows begin in UTC.</p>
      </Section>
      <OpenHolds />
      <SpendOverTime />
    </>
  );
}
