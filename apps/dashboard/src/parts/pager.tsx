import type { JSX } from "preact";

export interface PagerProps {
  /** Null: nothing follows. */
  readonly next: string | number | null;
  readonly onNext: () => void;
  readonly isLoading?: boolean | undefined;
}

export function Pager({ next, onNext, isLoading = false }: PagerProps): JSX.Element | null {
  if (next === null) return null;
  return (
    <p class="pager">
      <button type="button" aria-disabled={isLoading} onClick={() => !isLoading && onNext()}>
        {isLoading ? "Reading …" : "Show more"}
      </button>
    </p>
  );
}
