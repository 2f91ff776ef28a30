import type { ReplayedDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post } from "../../api/call.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { go } from "../../route.ts";
import { jobHref } from "./job-columns.tsx";
import { LimitInputs } from "./limit-fields.tsx";
import { editsOf, noLimits } from "./limits.ts";

/** Submits one dead letter again, with changes, and shows the new job. */
export function ReplayDialog({
  id,
  onClose,
}: {
  readonly id: string;
  readonly onClose: () => void;
}): JSX.Element {
  const [fields, setFields] = useState(noLimits);
  const replay = async (): Promise<void> => {
    const path = `/v1/dead-letters/${encodeURIComponent(id)}/replay`;
    const { jobId } = await post<ReplayedDocument>(path, { set: editsOf(fields) });
    onClose();
    go(jobHref(jobId));
  };
  return (
    <Dialog title="Replay with changes" onClose={onClose}>
      <div class="dialog-text">
        <p>It is submitted again as a new job. The dead letter stays and names it.</p>
        <LimitInputs
          value={fields}
          onChange={(change) => setFields((last) => ({ ...last, ...change }))}
          empty="as before"
        />
      </div>
      <div class="dialog-actions">
        <ActionButton label="Replay" onAct={replay} />
      </div>
    </Dialog>
  );
}
