import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function JobView(): JSX.Element {
  return (
    <>
      <PageHead title="Job" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
