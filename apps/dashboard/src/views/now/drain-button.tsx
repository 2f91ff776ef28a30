import type { DrainDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { post } from "../../api/call.ts";
import { ActionButton } from "../../parts/action-button.tsx";

export function DrainButton({ onDone }: { readonly onDone: () => void }): JSX.Element {
  const drain = async (): Promise<void> => {
    await post<DrainDocument>("/v1/drain");
    onDone();
  };
  return (
    <ActionButton
      label="Drain"
      title="Take no more work, let what runs end, and end the daemon"
      confirm={
        <>
          <p>
            The daemon takes no more work and lets what runs end within its grace period. What still runs then
            is cancelled.
          </p>
          <p>
            Then <strong>the daemon ends</strong>, and this page with it, until somebody or the service
            manager starts it again. Queued jobs and events stay where they are.
          </p>
        </>
      }
      onAct={drain}
      danger
    />
  );
}
