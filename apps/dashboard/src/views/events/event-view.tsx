import type { AcceptedDocument, Printed, TriggerDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, post } from "../../api/call.ts";
import { plainText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { Link } from "../../parts/link.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { Facts, PageHead, Section } from "../../parts/section.tsx";
import { Table } from "../../parts/table.tsx";
import { ShortId, Time } from "../../parts/values.tsx";
import { go, hrefOf, route } from "../../route.ts";
import { useList } from "../list.tsx";
import { jsonText } from "../json-text.ts";
import { FiringTable, type Firing, type TriggerEvent } from "./tables.tsx";

export function EventView(): JSX.Element {
  const id = route.value.path[1] ?? "";
  const path = `/v1/trigger-events/${encodeURIComponent(id)}`;
  const { data, error } = useLive((signal) => get<TriggerEvent>(path, {}, signal), { topics: ["triggers"] }, [
    id,
  ]);
  const firings = useList<Firing>("/v1/firings", { event: id }, { topics: ["triggers"] });
  if (data === null) return error === null ? <Loading /> : <ErrorNote error={error} />;
  return (
    <>
      <PageHead
        title={
          <>
            Event <ShortId id={data.id} />
          </>
        }
        actions={<Replay event={data} path={path} />}
      />
      <ErrorNote error={error} />
      <Section title="About this event">
        <EventFacts event={data} />
      </Section>
      <Section title="Firings" count={firings.items.length}>
        <FiringTable rows={firings.items} refresh={firings.refresh} without="event" />
        {firings.pager}
      </Section>
      <Section title="Payload">
        <pre class="text" tabIndex={0}>
          {jsonText(data.payload)}
        </pre>
      </Section>
      <Chain event={data} />
    </>
  );
}

export function EventFacts({ event }: { readonly event: TriggerEvent }): JSX.Element {
  const { at, source, key, replayOf, onlyTrigger, code, reason, routed } = event;
  const maybe = (term: string, value: string | null) =>
    value === null ? [] : [{ term, value: plainText(value) }];
  return (
    <Facts
      items={[
        { term: "Came", value: <Time at={at} /> },
        { term: "Source", value: source },
        ...maybe("Key", key),
        ...(replayOf === null
          ? []
          : [
              {
                term: "Replay of",
                value: (
                  <Link href={hrefOf(["events", replayOf])}>
                    <ShortId id={replayOf} />
                  </Link>
                ),
              },
            ]),
        ...maybe("Only for trigger", onlyTrigger),
        ...maybe("Skipped", code),
        ...maybe("Reason", reason),
        ...(routed ? [] : [{ term: "Decided", value: "not yet" }]),
      ]}
    />
  );
}

/** The runs that led to an event, the oldest first. */
export function Chain({ event: { chain } }: { readonly event: TriggerEvent }): JSX.Element | null {
  if (chain.length === 0) return null;
  return (
    <Section title="Chain" count={chain.length}>
      <Table
        columns={[
          { header: "Daemon", cell: ({ daemon }) => daemon },
          { header: "Trigger", cell: ({ trigger }) => trigger },
          {
            header: "Run",
            cell: ({ run }) => (
              <Link href={hrefOf(["runs", run])}>
                <ShortId id={run} />
              </Link>
            ),
          },
        ]}
        rows={chain}
        rowKey={({ run }) => run}
        empty=""
        caption="Runs that led to this event, the oldest first"
      />
    </Section>
  );
}

function Replay({ event, path }: { readonly event: TriggerEvent; readonly path: string }): JSX.Element {
  const [trigger, setTrigger] = useState("");
  const { data } = useLive(
    (signal) => get<{ readonly items: readonly TriggerDocument[] }>("/v1/triggers", {}, signal),
    { topics: [] },
    [],
  );
  const own = (data?.items ?? []).filter(({ on }) => on === event.source);
  return (
    <ActionButton
      label="Replay"
      confirm={
        <>
          <p>A new event with the same payload. This one stays as it is.</p>
          <SelectField
            label="For"
            value={trigger}
            options={[
              { value: "", label: `all triggers of ${event.source}` },
              ...own.map(({ id }) => ({ value: id, label: id })),
            ]}
            onChange={setTrigger}
          />
        </>
      }
      onAct={async () => {
        const body = trigger === "" ? {} : { trigger };
        const { events } = await post<Printed<AcceptedDocument>>(`${path}/replay`, body);
        if (events[0] !== undefined) go(hrefOf(["events", events[0]]));
      }}
    />
  );
}
