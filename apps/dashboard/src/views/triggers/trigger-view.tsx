import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function TriggerView(): JSX.Element {
  return (
    <>
      <PageHead title="Trigger" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
