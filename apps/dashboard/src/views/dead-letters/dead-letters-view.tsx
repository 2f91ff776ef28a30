import type { JSX } from "preact";
import { Empty } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";

export function DeadLettersView(): JSX.Element {
  return (
    <>
      <PageHead title="Dead letters" />
      <Empty>Nothing here.</Empty>
    </>
  );
}
