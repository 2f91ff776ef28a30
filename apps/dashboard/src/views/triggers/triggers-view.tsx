import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function TriggersView(): JSX.Element {
  return (
    <>
      <PageHead title="Triggers" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
