import type {
  FiringDocument,
  Printed,
  TriggerDetailsDocument,
  TriggerEventDocument,
} from "@agentcore/contract";
import type { JSX } from "preact";
import { get } from "../../api/call.ts";
import { absoluteText, countText, durationText, plainText, momentMs } from "../../format.ts";
import { useLive, type LiveQuery } from "../../live/live.ts";
import { Badge } from "../../parts/badge.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Empty, ErrorNote, Loading } from "../../parts/notes.tsx";
import { Facts, PageHead, Section, type Fact } from "../../parts/section.tsx";
import { Money, Time } from "../../parts/values.tsx";
import { route } from "../../route.ts";
import { EventTable, FiringTable } from "../events/tables.tsx";
import { useList } from "../list.tsx";
import { TriggerActions } from "./trigger-actions.tsx";
import { LastRun } from "./triggers-view.tsx";

export type Details = Printed<TriggerDetailsDocument>;

export function TriggerView(): JSX.Element {
  const id = route.value.path[1] ?? "";
  const path = `/v1/triggers/${encodeURIComponent(id)}`;
  const on: LiveQuery = { topics: ["triggers"], trigger: id };
  const { data, error, refresh } = useLive((signal) => get<Details>(path, {}, signal), on, [id]);
  const firings = useList<Printed<FiringDocument>>(`${path}/firings`, {}, on);
  // Events come before anything is said of the trigger.
  const events = useList<Printed<TriggerEventDocument>>(`${path}/events`, {}, { topics: ["triggers"] });
  const refreshAll = (): void => {
    refresh();
    firings.refresh();
    events.refresh();
  };
  if (data === null) return error === null ? <Loading /> : <ErrorNote error={error} />;
  const skipped = Object.entries(data.skipped).toSorted(([, a], [, b]) => b - a);
  return (
    <>
      <PageHead
        title={
          <>
            {data.id} <Badge state={data.state} />
          </>
        }
        actions={<TriggerActions trigger={data} path={path} refresh={refreshAll} />}
      />
      <ErrorNote error={error} />
      {data.state === "paused" && <Paused trigger={data} />}
      <Section title="State">
        <Facts items={stateFacts(data)} />
      </Section>
      <NextFires trigger={data} />
      <Section title="Firings">
        <FiringTable rows={firings.items} refresh={refreshAll} without="trigger" />
        {firings.pager}
      </Section>
      {skipped.length > 0 && (
        <Section title="Skipped events by reason">
          <Facts items={skipped.map(([code, count]) => ({ term: code, value: countText(count) }))} />
        </Section>
      )}
      <Section title={`Events of ${data.on}`}>
        <EventTable rows={events.items} without="source" />
        {events.pager}
      </Section>
      <Section title="Settings">
        <Facts items={settingsOf(data)} />
      </Section>
    </>
  );
}

function NextFires({ trigger: { nextFires } }: { readonly trigger: Details }): JSX.Element | null {
  if (nextFires.length === 0) return null;
  return (
    <Section title="Next fires">
      <ol class="plain">
        {nextFires.map(({ at }) => (
          <li key={at}>
            {absoluteText(momentMs(at))}{" "}
            <span class="faint">
              <Time at={at} />
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Paused({ trigger: { pausedAt, pausedBy, pauseNote } }: { readonly trigger: Details }): JSX.Element {
  const why = { person: "", failures: " after failures", damage: " because its state was damaged" };
  return (
    <Section title="Paused">
      <p>
        Its events are skipped. It was paused{pausedBy === null ? "" : why[pausedBy]} <Time at={pausedAt} />.
      </p>
      {pauseNote === null || pauseNote === "" ? (
        <Empty>There is no note.</Empty>
      ) : (
        <p class="foreign">
          <strong>{plainText(pauseNote)}</strong>
        </p>
      )}
    </Section>
  );
}

function stateFacts(trigger: Details): readonly Fact[] {
  const { budget, cooldownEndsAt, spentUsd, spentTokens } = trigger;
  return [
    { term: "Next", value: <Time at={trigger.nextFireAt} /> },
    { term: "Waiting", value: trigger.waiting },
    { term: "Running", value: trigger.running },
    { term: "Last run", value: <LastRun trigger={{ ...trigger, type: "trigger" }} /> },
    { term: "Runs so far", value: countText(trigger.runs) },
    { term: "Failures in a row", value: trigger.failuresInARow },
    ...(cooldownEndsAt !== null && momentMs(cooldownEndsAt) > Date.now()
      ? [{ term: "Cooldown ends", value: <Time at={cooldownEndsAt} /> }]
      : []),
    {
      term: budget === null ? "Spent today" : `Spent per ${budget.per}`,
      value: (
        <Meter
          value={spentUsd ?? 0}
          max={budget?.costUsd ?? null}
          label={`Spent of the budget of ${trigger.id}`}
        >
          <Money usd={spentUsd} />
          {budget?.costUsd !== null && budget !== null && (
            <>
              {" "}
              of <Money usd={budget.costUsd} />
            </>
          )}
        </Meter>
      ),
    },
    ...(spentTokens === null ? [] : [{ term: "Tokens", value: countText(spentTokens) }]),
  ];
}

const words = (code: string): string => code.replaceAll("_", " ");

function settingsOf(trigger: Details): readonly Fact[] {
  const lasting = (term: string, ms: number): readonly Fact[] =>
    ms === 0 ? [] : [{ term, value: durationText(ms) }];
  const bound = (term: string, at: string | null): readonly Fact[] =>
    at === null ? [] : [{ term, value: absoluteText(momentMs(at)) }];
  const { maxRuns, maxRetries, onFailure } = trigger;
  return [
    { term: "Workflow", value: trigger.workflow },
    { term: "Source", value: `${trigger.on} (${trigger.source})` },
    { term: "Overlap", value: words(trigger.overlap) },
    {
      term: "On failure",
      value: onFailure === "retry" ? `retry, at most ${maxRetries} times` : words(onFailure),
    },
    { term: "Longest queue", value: countText(trigger.maxQueue) },
    { term: "Longest chain", value: countText(trigger.maxChainDepth) },
    ...(maxRuns === null ? [] : [{ term: "Most runs", value: countText(maxRuns) }]),
    ...lasting("Debounce", trigger.debounceMs),
    ...lasting("Cooldown", trigger.cooldownMs),
    ...lasting("Jitter", trigger.jitterMs),
    ...bound("Not before", trigger.startAt),
    ...bound("Not after", trigger.endAt),
  ];
}
