import type { AcceptedDocument, Printed } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, post } from "../../api/call.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { go, hrefOf } from "../../route.ts";
import { isoOfLocal, parseJson } from "../json-text.ts";
import type { Details } from "./trigger-view.tsx";

export interface TriggerActionsProps {
  readonly trigger: Details;
  readonly path: string;
  readonly refresh: () => void;
}

export function TriggerActions(props: TriggerActionsProps): JSX.Element {
  const { trigger, path, refresh } = props;
  return (
    <>
      {trigger.state === "paused" ? (
        <ActionButton
          label="Resume"
          onAct={async () => {
            await post(`${path}/resume`);
            refresh();
          }}
        />
      ) : (
        trigger.state === "active" && <Pause {...props} />
      )}
      <Fire {...props} />
      {(trigger.source === "cron" || trigger.source === "interval") && <Backfill {...props} />}
    </>
  );
}

function Pause({ path, refresh }: TriggerActionsProps): JSX.Element {
  const [note, setNote] = useState("");
  return (
    <ActionButton
      label="Pause"
      confirm={
        <>
          <p>Its events are skipped until somebody resumes it. What runs goes on.</p>
          <TextField
            label="Note"
            value={note}
            onInput={setNote}
            hint="Why, for everybody who sees that it is paused."
          />
        </>
      }
      onAct={async () => {
        await post(`${path}/pause`, { note });
        refresh();
      }}
    />
  );
}

const refused = (message: string, cure: string): ApiError =>
  new ApiError("page", message, { cure, status: 0 });

function Fire({ path, refresh }: TriggerActionsProps): JSX.Element {
  const [text, setText] = useState("{}");
  return (
    <ActionButton
      label="Fire"
      confirm={
        <>
          <p>The trigger gets an event of its own, as if it had come from its source.</p>
          <TextField label="Payload (JSON)" value={text} onInput={setText} rows={6} />
        </>
      }
      onAct={async () => {
        const payload = parseJson(text);
        if (!payload.ok)
          throw refused(
            `The payload is not JSON: ${payload.message}.`,
            "Names and texts need double quotes.",
          );
        const { events } = await post<Printed<AcceptedDocument>>(`${path}/fire`, { payload: payload.value });
        refresh();
        if (events[0] !== undefined) go(hrefOf(["events", events[0]]));
      }}
    />
  );
}

function Backfill({ path, refresh }: TriggerActionsProps): JSX.Element {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [done, setDone] = useState("");
  return (
    <>
      <ActionButton
        label="Backfill"
        confirm={
          <>
            <p>
              Fires the slots of its schedule from one moment up to another. A slot that was filled already is
              left out.
            </p>
            <TextField label="From" type="datetime-local" value={from} onInput={setFrom} />
            <TextField
              label="To"
              type="datetime-local"
              value={to}
              onInput={setTo}
              hint="In the time zone of this browser."
            />
          </>
        }
        onAct={async () => {
          const range = { from: isoOfLocal(from), to: isoOfLocal(to) };
          if (range.from === null || range.to === null)
            throw refused("A moment is missing.", "Fill in both.");
          const { events, duplicates } = await post<Printed<AcceptedDocument>>(`${path}/backfill`, range);
          setDone(
            `${events.length} slots fired${duplicates > 0 ? `, ${duplicates} were filled already` : ""}`,
          );
          refresh();
        }}
      />
      <span role="status" class={done === "" ? "unseen" : undefined}>
        {done}
      </span>
    </>
  );
}
