import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function RunsView(): JSX.Element {
  return (
    <>
      <PageHead title="Runs" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
