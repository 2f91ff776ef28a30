import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { asApiError, type ApiError } from "../api/call.ts";
import { actionsOff } from "../api/token.ts";
import { Dialog } from "./dialog.tsx";
import { ErrorNote } from "./notes.tsx";

export interface ActionButtonProps {
  readonly label: string;
  /** May reject with an `ApiError`, which is shown. */
  readonly onAct: () => Promise<unknown>;
  /** Asked in a dialog first: what happens then. */
  readonly confirm?: ComponentChildren;
  readonly danger?: boolean | undefined;
  /** Why it cannot be done now; undefined or null: it can. */
  readonly disabled?: string | null | undefined;
  readonly title?: string | undefined;
}

/** Changes something on the daemon. Off while it works, and for tokens that may only read, with the reason as its title. */
export function ActionButton(props: ActionButtonProps): JSX.Element {
  const { label, confirm, danger = false, title } = props;
  const [isAsking, setAsking] = useState(false);
  const [isWorking, setWorking] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const isActing = useRef(false);
  const off = props.disabled ?? actionsOff();
  const act = async (): Promise<void> => {
    if (isActing.current) return;
    isActing.current = true;
    setWorking(true);
    setError(null);
    try {
      await props.onAct();
      setAsking(false);
    } catch (thrown) {
      setError(asApiError(thrown));
    } finally {
      isActing.current = false;
      setWorking(false);
    }
  };
  const kind = danger ? "danger" : undefined;
  return (
    <span class="action">
      <button
        type="button"
        class={kind}
        aria-disabled={off !== null || isWorking}
        title={off ?? title}
        onClick={() => {
          if (off !== null || isWorking) return;
          if (confirm === undefined) void act();
          else setAsking(true);
        }}
      >
        {isWorking && confirm === undefined ? `${label} …` : label}
      </button>
      {!isAsking && <ErrorNote error={error} />}
      {isAsking && (
        <Dialog title={`${label}?`} onClose={() => setAsking(false)}>
          <div class="dialog-text">{confirm}</div>
          <ErrorNote error={error} />
          <div class="dialog-actions">
            <button type="button" onClick={() => setAsking(false)}>
              Back
            </button>
            <button
              type="button"
              class={kind ?? "primary"}
              aria-disabled={isWorking}
              onClick={() => void act()}
            >
              {isWorking ? `${label} …` : label}
            </button>
          </div>
        </Dialog>
      )}
    </span>
  );
}
