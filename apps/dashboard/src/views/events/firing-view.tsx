import type { JSX } from "preact";
import { ApiError, get } from "../../api/call.ts";
import { absoluteText, countText, plainText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { Facts, PageHead, Section } from "../../parts/section.tsx";
import { Money, ShortId } from "../../parts/values.tsx";
import { hrefOf, route } from "../../route.ts";
import { jsonText } from "../json-text.ts";
import { RunBadge, type Run } from "../runs/runs-view.tsx";
import { Chain, EventFacts } from "./event-view.tsx";
import { firingState, isOpen, storyOf } from "./story.ts";
import { CancelFiring, Why, type Firing, type TriggerEvent } from "./tables.tsx";

interface FiringData {
  readonly firing: Firing;
  /** Null: they were deleted, because they are old. */
  readonly event: TriggerEvent | null;
  readonly run: Run | null;
}

async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export function FiringView(): JSX.Element {
  const id = route.value.path[1] ?? "";
  const { data, error, refresh } = useLive<FiringData>(
    async (signal) => {
      const firing = await get<Firing>(`/v1/firings/${encodeURIComponent(id)}`, {}, signal);
      const [event, run] = await Promise.all([
        orNull(get<TriggerEvent>(`/v1/trigger-events/${encodeURIComponent(firing.event)}`, {}, signal)),
        firing.run === null
          ? null
          : orNull(get<Run>(`/v1/workflow-runs/${encodeURIComponent(firing.run)}`, {}, signal)),
      ]);
      return { firing, event, run };
    },
    { topics: ["triggers", "workflows"] },
    [id],
  );
  if (data === null) return error === null ? <Loading /> : <ErrorNote error={error} />;
  const { firing, event, run } = data;
  return (
    <>
      <PageHead
        title={
          <>
            Firing <ShortId id={firing.id} /> <Badge state={firingState(firing)} />
          </>
        }
        actions={isOpen(firing) && <CancelFiring firing={firing} refresh={refresh} />}
      />
      <ErrorNote error={error} />
      <Story firing={firing} event={event} />
      <FiringFacts firing={firing} />
      {firing.run !== null && <RunOf id={firing.run} run={run} />}
      {event !== null && (
        <>
          <Section title="Event">
            <EventFacts event={event} />
            <pre class="text" tabIndex={0}>
              {jsonText(event.payload)}
            </pre>
          </Section>
          <Chain event={event} />
        </>
      )}
    </>
  );
}

function Story({ firing, event }: Pick<FiringData, "firing" | "event">): JSX.Element {
  return (
    <Section title="What happened">
      <ol class="plain">
        {storyOf(firing, event).map(({ at, text }) => (
          <li key={`${at} ${text}`}>
            <time dateTime={new Date(at).toISOString()} class="faint number">
              {absoluteText(at)}
            </time>{" "}
            <span class="foreign">{text}</span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function FiringFacts({ firing }: { readonly firing: Firing }): JSX.Element {
  return (
    <Section title="About this firing">
      <Facts
        items={[
          {
            term: "Trigger",
            value: <Link href={hrefOf(["triggers", firing.trigger])}>{firing.trigger}</Link>,
          },
          {
            term: "Event",
            value: (
              <Link href={hrefOf(["events", firing.event])}>
                <ShortId id={firing.event} />
              </Link>
            ),
          },
          ...(firing.attempt === null ? [] : [{ term: "Run of this firing", value: firing.attempt }]),
          ...(firing.reason === null && firing.code === null
            ? []
            : [{ term: "Why", value: <Why firing={firing} /> }]),
          { term: "Cost", value: <Money usd={firing.costUsd} /> },
          { term: "Tokens", value: countText(firing.tokens) },
        ]}
      />
    </Section>
  );
}

function RunOf({ id, run }: { readonly id: string; readonly run: Run | null }): JSX.Element {
  return (
    <Section title="Run">
      <p>
        <Link href={hrefOf(["runs", id])}>
          {run?.name ?? "Run"} <ShortId id={id} />
        </Link>{" "}
        {run === null ? <span class="faint">It was deleted.</span> : <RunBadge run={run} />}
      </p>
      {run !== null && run.message !== null && <p class="foreign">{plainText(run.message)}</p>}
    </Section>
  );
}
