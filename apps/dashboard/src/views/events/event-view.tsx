import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function EventView(): JSX.Element {
  return (
    <>
      <PageHead title="Event" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
