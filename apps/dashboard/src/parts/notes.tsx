import type { ComponentChildren, JSX } from "preact";
import type { ApiError } from "../api/call.ts";

/** In place of what is not there. */
export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** Nothing without an error. */
export function ErrorNote({ error }: { readonly error: ApiError | null }): JSX.Element | null {
  if (error === null) return null;
  return (
    <div class="error-note" role="alert">
      <strong>{sentence(error.message)}</strong>
      {error.cure !== "" && <span> {error.cure}</span>}
      {error.code.startsWith("AC_") && <code>{error.code}</code>}
    </div>
  );
}

export function Loading(): JSX.Element {
  return <p class="empty">Reading …</p>;
}
