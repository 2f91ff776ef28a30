import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function EventsView(): JSX.Element {
  return (
    <>
      <PageHead title="Events" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
