import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function FiringView(): JSX.Element {
  return (
    <>
      <PageHead title="Firing" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
