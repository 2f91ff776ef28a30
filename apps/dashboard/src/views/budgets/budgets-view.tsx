import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function BudgetsView(): JSX.Element {
  return (
    <>
      <PageHead title="Budgets" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
