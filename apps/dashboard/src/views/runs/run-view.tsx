import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function RunView(): JSX.Element {
  return (
    <>
      <PageHead title="Run" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
