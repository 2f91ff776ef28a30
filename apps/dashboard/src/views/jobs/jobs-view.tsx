import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function JobsView(): JSX.Element {
  return (
    <>
      <PageHead title="Jobs" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
