/** The attempts of a job, the newest first, each with what it was granted and what it left. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { bytesText, countText, moneyText, plainText } from "../../format.ts";
import { Badge } from "../../parts/badge.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Empty } from "../../parts/notes.tsx";
import { Facts, Section, type Fact } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Duration, Time } from "../../parts/values.tsx";
import { ArtifactText } from "./artifact-text.tsx";
import { grantText, type Attempt, type Job } from "./story.ts";

type Artifact = Attempt["artifacts"][number];

export function Attempts({ job }: { readonly job: Job }): JSX.Element {
  const attempts = job.attempts.toReversed();
  return (
    <Section title="Attempts" count={attempts.length}>
      {attempts.length === 0 && <Empty>None has begun.</Empty>}
      {attempts.map((attempt, index) => (
        <details key={attempt.attempt} class="attempt" open={index === 0}>
          <summary>
            <h3>Attempt {attempt.attempt}</h3> <Badge state={attempt.outcome ?? "running"} />{" "}
            {attempt.code !== null && <code>{attempt.code}</code>} <Time at={attempt.claimedAt} />
          </summary>
          {attempt.summary !== null && <p class="foreign summary">{plainText(attempt.summary)}</p>}
          <Facts items={[...factsOf(attempt), ...permitFacts(attempt), ...receiptFacts(attempt)]} />
          <Reductions attempt={attempt} />
          <Artifacts job={job.id} attempt={attempt} />
        </details>
      ))}
    </Section>
  );
}

const tokensText = ({ inputTokens, cachedInputTokens, outputTokens }: Attempt): string =>
  inputTokens === null && outputTokens === null
    ? "–"
    : `${countText(inputTokens)} in, ${countText(cachedInputTokens)} cached, ${countText(outputTokens)} out`;

function factsOf(attempt: Attempt): readonly Fact[] {
  const { exitCode, costUsd, costBasis, metered, session, filesChanged } = attempt;
  return [
    { term: "Took", value: <Duration ms={attempt.durationMs} /> },
    { term: "Exit code", value: exitCode ?? "–" },
    { term: "Cost", value: `${moneyText(costUsd)}${costUsd === null ? "" : ` (${costBasis ?? "none"})`}` },
    ...(metered === null ? [] : [{ term: "Calls", value: meteredText(metered) }]),
    { term: "Tokens", value: tokensText(attempt) },
    {
      term: "Files changed",
      value:
        filesChanged === null ? "not known" : filesChanged.length === 0 ? "none" : filesText(filesChanged),
    },
    ...(session === null ? [] : [{ term: "Session", value: plainText(session) }]),
  ];
}

function meteredText({ calls, costUsd, openCalls, heldUsd }: NonNullable<Attempt["metered"]>): string {
  const open = openCalls === 0 ? "" : `; ${countText(openCalls)} open, which can cost ${moneyText(heldUsd)}`;
  return `${countText(calls)} for ${moneyText(costUsd)}${open}`;
}

const filesShown = 10;

function filesText(files: readonly string[]): string {
  const more = files.length - filesShown;
  return plainText(files.slice(0, filesShown).join(", ")) + (more > 0 ? ` and ${more} more` : "");
}

function permitFacts({ permit, endedAt }: Attempt): readonly Fact[] {
  if (permit === null) return [{ term: "Granted", value: "no permit" }];
  const { provider, deadline, budgets } = permit;
  return [
    { term: "Granted", value: plainText(grantText(permit)) },
    ...(endedAt === null ? [{ term: "Has to end", value: <Time at={deadline} /> }] : []),
    ...(provider === null ? [] : [{ term: "Billed to", value: plainText(provider) }]),
    ...(budgets.length === 0
      ? []
      : [{ term: "Held in", value: plainText([...new Set(budgets.map(({ scope }) => scope))].join(", ")) }]),
  ];
}

function receiptFacts({ containment }: Attempt): readonly Fact[] {
  if (containment === null) return [];
  const { level, implementation, processesSeen, survivors, signals, emptyAfterMs, provedBy } = containment;
  const left = survivors === 0 ? "nothing left" : `${survivors} left`;
  return [
    { term: "Box", value: `${level} (${implementation})` },
    {
      term: "Receipt",
      value: (
        <>
          <Badge state={survivors === 0 ? "ok" : "survivors"} label={left} />{" "}
          {`proved by ${provedBy}${emptyAfterMs === null ? "" : ` after ${emptyAfterMs} ms`}`}
        </>
      ),
    },
    { term: "Signals", value: signals.length === 0 ? "none: it ended on its own" : signals.join(", ") },
    { term: "Processes at once", value: countText(processesSeen) },
  ];
}

function Reductions({ attempt }: { readonly attempt: Attempt }): JSX.Element | null {
  const degraded = attempt.permit?.degraded ?? [];
  if (degraded.length === 0) return null;
  return (
    <ul class="reductions">
      {degraded.map(({ field, code, reason }) => (
        <li key={field} class="foreign">
          <Badge state="less" tone="warn" label={`less ${field}`} /> <code>{code}</code> {plainText(reason)}
        </li>
      ))}
    </ul>
  );
}

function Artifacts({
  job,
  attempt,
}: {
  readonly job: string;
  readonly attempt: Attempt;
}): JSX.Element | null {
  const [shown, setShown] = useState<Artifact | null>(null);
  if (attempt.artifacts.length === 0) return null;
  const columns: readonly Column<Artifact>[] = [
    {
      header: "Artifact",
      cell: (artifact) => (
        <button type="button" onClick={() => setShown(artifact)}>
          {plainText(artifact.name)}
        </button>
      ),
    },
    { header: "Kind", cell: ({ kind }) => kind },
    { header: "Size", cell: ({ bytes }) => bytesText(bytes), align: "end" },
    { header: "Path", cell: ({ path }) => <code class="foreign">{plainText(path)}</code>, narrow: true },
  ];
  return (
    <>
      <Table
        columns={columns}
        rows={attempt.artifacts}
        rowKey={({ name, kind }) => `${kind} ${name}`}
        empty=""
        caption={`Artifacts of attempt ${attempt.attempt}`}
      />
      {shown !== null && (
        <Dialog title={plainText(shown.name)} onClose={() => setShown(null)}>
          <ArtifactText job={job} attempt={attempt.attempt} artifact={shown} />
        </Dialog>
      )}
    </>
  );
}
