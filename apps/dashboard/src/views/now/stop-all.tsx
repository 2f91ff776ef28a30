import type { Printed, StopDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post } from "../../api/call.ts";
import { countText, plainText } from "../../format.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Link } from "../../parts/link.tsx";
import { Facts } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Duration, ShortId } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";

type Receipt = Printed<StopDocument>;

/** Stops everything, and shows the proof that nothing runs any more, or what does. */
export function StopAllButton({ onDone }: { readonly onDone: () => void }): JSX.Element {
  const [reason, setReason] = useState("");
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const stop = async (): Promise<void> => {
    setReceipt(await post<StopDocument>("/v1/stop", reason.trim() === "" ? {} : { reason: reason.trim() }));
    onDone();
  };
  return (
    <>
      <ActionButton
        label="Stop all"
        title="Pause every trigger, and cancel every run and every job"
        confirm={
          <>
            <p>
              Every trigger is paused, every workflow run and every job is cancelled, the queued ones too, and
              every worker is stopped. Then you see a receipt.
            </p>
            <p>The daemon itself goes on. Nothing of this starts again until you resume the triggers.</p>
            <TextField
              label="Reason (optional)"
              value={reason}
              onInput={setReason}
              hint="It stands at every trigger, run and job that was stopped."
            />
          </>
        }
        onAct={stop}
        danger
      />
      {receipt !== null && <ReceiptDialog receipt={receipt} onClose={() => setReceipt(null)} />}
    </>
  );
}

function ReceiptDialog({
  receipt,
  onClose,
}: {
  readonly receipt: Receipt;
  readonly onClose: () => void;
}): JSX.Element {
  const { isEmpty, durationMs, triggers, runs, queued, jobs, survivors, reason } = receipt;
  return (
    <Dialog title="Receipt of the stop" onClose={onClose}>
      <div class="dialog-text">
        <p>
          {isEmpty ? (
            <Badge state="nothing_runs" tone="good" label="Nothing runs any more" />
          ) : (
            <Badge state="survivors" tone="bad" label="Something still runs" />
          )}
        </p>
        {survivors.length > 0 && (
          <ul class="lines">
            {survivors.map((text) => (
              <li key={text} class="foreign">
                {plainText(text)}
              </li>
            ))}
          </ul>
        )}
        <Facts
          items={[
            { term: "Took", value: <Duration ms={durationMs} /> },
            { term: "Triggers paused", value: countText(triggers.length) },
            { term: "Runs cancelled", value: countText(runs.length) },
            { term: "Queued jobs cancelled", value: countText(queued) },
            { term: "Workers stopped", value: countText(jobs.length) },
            { term: "Reason", value: plainText(reason) },
          ]}
        />
        {jobs.length > 0 && (
          <Table
            caption="Workers that were stopped, and how that was proved"
            columns={columns}
            rows={jobs}
            rowKey={({ id }) => id}
            empty=""
          />
        )}
      </div>
      <div class="dialog-actions">
        <button type="button" class="primary" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

type Stopped = Receipt["jobs"][number];

const columns: readonly Column<Stopped>[] = [
  {
    header: "Job",
    cell: ({ id }) => (
      <Link href={hrefOf(["jobs", id])}>
        <ShortId id={id} />
      </Link>
    ),
  },
  { header: "Ended as", cell: ({ outcome }) => <Badge state={outcome ?? "unknown"} /> },
  {
    header: "Proof",
    cell: ({ containment }) =>
      containment === null ? (
        <span class="faint">it had not started</span>
      ) : (
        <span class="foreign">
          {countText(containment.survivors)} left, by {containment.provedBy}
          {containment.emptyAfterMs !== null && (
            <>
              {" after "}
              <Duration ms={containment.emptyAfterMs} />
            </>
          )}
        </span>
      ),
  },
];
