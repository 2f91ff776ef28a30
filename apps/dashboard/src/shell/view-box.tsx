import type { ComponentChildren, JSX } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { asApiError } from "../api/call.ts";
import { ErrorNote } from "../parts/notes.tsx";

/** Keeps a fault of one view from taking the rest of the page with it. */
export function ViewBox({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const [error, reset] = useErrorBoundary() as [unknown, () => void];
  if (error === undefined) return <>{children}</>;
  return (
    <>
      <ErrorNote error={asApiError(error)} />
      <p>
        <button type="button" onClick={reset}>
          Show it again
        </button>
      </p>
    </>
  );
}
