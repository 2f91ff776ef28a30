/** One job's whole story. */
import type { JobDecisionsDocument, JobDetailsDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, post } from "../../api/call.ts";
import { attemptText, countText, moneyText, plainText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { Link } from "../../parts/link.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { Facts, PageHead, Section, type Fact } from "../../parts/section.tsx";
import { Age, Duration, Money, ShortId, Time } from "../../parts/values.tsx";
import { hrefOf, route } from "../../route.ts";
import { ArtifactText } from "./artifact-text.tsx";
import { Attempts } from "./attempts.tsx";
import { Calls } from "./calls.tsx";
import { isDelayed, isOpen, jobHref, JobState } from "./job-columns.tsx";
import { LogSection } from "./log-view.tsx";
import { fact } from "./fact.ts";
import { ReplayDialog } from "./replay-dialog.tsx";
import { RunningFacts } from "./running-facts.tsx";
import { storyOf, type Decisions, type Job } from "./story.ts";
import { Timeline } from "./timeline.tsx";

export function JobView(): JSX.Element {
  const id = route.value.path[1] ?? "";
  const path = `/v1/jobs/${encodeURIComponent(id)}`;
  const { data, error, refresh } = useLive(
    async (signal) => {
      const [job, why] = await Promise.all([
        get<JobDetailsDocument>(path, {}, signal),
        get<JobDecisionsDocument>(`${path}/why`, {}, signal),
      ]);
      return { job, why };
    },
    { topics: ["jobs"], job: id },
    [id],
  );
  if (data === null) {
    return (
      <>
        <PageHead title="Job" />
        {error === null ? <Loading /> : <ErrorNote error={error} />}
      </>
    );
  }
  const { job, why } = data;
  return (
    <>
      <PageHead
        title={
          <>
            Job <ShortId id={job.id} /> <JobState job={job} />
          </>
        }
        actions={<Actions job={job} path={path} />}
      />
      <ErrorNote error={error} />
      <Reason job={job} why={why} />
      <Section title="Facts">
        <Facts items={factsOf(job)} />
        {job.state === "running" && <RunningFacts id={job.id} onCalls={refresh} />}
      </Section>
      <Section title="Instructions">
        <pre class="text-box wrap" role="region" aria-label="Instructions" tabIndex={0}>
          {plainText(job.instructions)}
        </pre>
      </Section>
      <LogSection id={job.id} attempt={job.attempt} />
      <NewestPatch job={job} />
      <Attempts job={job} />
      <Calls job={job} />
      <Timeline chapters={storyOf(job, why)} />
    </>
  );
}

interface ActionsProps {
  readonly job: Job;
  readonly path: string;
}

function Actions({ job, path }: ActionsProps): JSX.Element {
  const [isReplaying, setReplaying] = useState(false);
  const cancel = (force: boolean) => () => post(`${path}/cancel`, { force });
  const isDead = job.state === "dead" && job.replayedAs === null && job.run === null;
  return (
    <>
      {isDelayed(job) && <ActionButton label="Run now" onAct={() => post(`${path}/run-now`)} />}
      {isOpen(job) && <ActionButton label="Cancel" onAct={cancel(false)} />}
      {job.state === "running" && (
        <ActionButton
          label="Kill"
          danger
          onAct={cancel(true)}
          confirm="Its processes are killed at once. It gets no time to end, and work that it has not saved is lost."
        />
      )}
      {isDead && (
        <button type="button" class="primary" onClick={() => setReplaying(true)}>
          Replay …
        </button>
      )}
      {isReplaying && <ReplayDialog id={job.id} onClose={() => setReplaying(false)} />}
    </>
  );
}

const reasonTitles = {
  queued: "Why it waits",
  running: "Why it is to stop",
  succeeded: "",
  dead: "Why it failed",
  cancelled: "Why it was cancelled",
};

/** Why it waits, is to stop, or ended; what is before it; and what it left. */
function Reason({ job, why }: { readonly job: Job; readonly why: Decisions }): JSX.Element | null {
  const { code, reason, state } = job;
  const setting = why.decisions.findLast((decision) => decision.code === code)?.configuredAt ?? null;
  const isWaiting = state === "queued" && (why.ahead.length > 0 || why.blockedBy !== null || isDelayed(job));
  if (code === null && reason === null && !isWaiting && why.left.length === 0) return null;
  return (
    <Section title={reasonTitles[state]}>
      {(code !== null || reason !== null) && (
        <p class="foreign">
          {code !== null && <code>{code}</code>} {plainText(reason ?? "")}
          {setting !== null && <span class="faint"> Set at {setting}.</span>}
        </p>
      )}
      {isDelayed(job) && (
        <p>
          Not before <Time at={job.runAt} />.
        </p>
      )}
      {state === "queued" && why.blockedBy !== null && (
        <p>
          Waits for the end of{" "}
          <Link href={jobHref(why.blockedBy)}>
            <ShortId id={why.blockedBy} />
          </Link>
        </p>
      )}
      {state === "queued" && why.ahead.length > 0 && (
        <p>
          Before it:{" "}
          {why.ahead.map((ahead) => (
            <span key={ahead.id}>
              <Link href={jobHref(ahead.id)} title={ahead.reason ?? undefined}>
                <ShortId id={ahead.id} />
              </Link>{" "}
            </span>
          ))}
        </p>
      )}
      {why.left.map((text) => (
        <p key={text} class="error-note">
          {plainText(text)}
        </p>
      ))}
    </Section>
  );
}

function factsOf(job: Job): readonly Fact[] {
  const { run, step, replayedAs, maxTokens, tokens } = job;
  const labels = Object.entries(job.labels).map(([name, value]) => `${name}=${value}`);
  const limits = [
    job.maxCostUsd === null ? null : moneyText(job.maxCostUsd),
    maxTokens === null ? null : `${countText(maxTokens)} tokens`,
  ].filter((text) => text !== null);
  return [
    { term: "Worker", value: job.model === null ? job.worker : `${job.worker} (${job.model})` },
    { term: "Workspace", value: <code>{plainText(job.workspace)}</code> },
    { term: "May", value: job.capabilities.join(", ") },
    { term: "Attempt", value: attemptText(job) },
    { term: "Submitted", value: <Time at={job.submittedAt} /> },
    ...fact("Runs for", job.claimedAt === null ? null : <Age since={job.claimedAt} />),
    ...fact("Ended", job.endedAt === null ? null : <Time at={job.endedAt} />),
    { term: "Time limit of an attempt", value: <Duration ms={job.timeoutMs} /> },
    { term: "Cost of all attempts", value: <Money usd={job.costUsd} /> },
    { term: "Tokens of all attempts", value: countText(tokens) },
    ...fact("Limits of all attempts", limits.length === 0 ? null : limits.join(", ")),
    ...fact(
      "Workflow run",
      run === null ? null : (
        <Link href={hrefOf(["runs", run])}>
          <ShortId id={run} /> {step}
        </Link>
      ),
    ),
    ...fact(
      "Replayed as",
      replayedAs === null ? null : (
        <Link href={jobHref(replayedAs)}>
          <ShortId id={replayedAs} />
        </Link>
      ),
    ),
    ...fact("Tenant", job.tenant),
    ...fact("Key", job.key),
    ...fact("Labels", labels.length === 0 ? null : plainText(labels.join(", "))),
    { term: "Id", value: <code>{plainText(job.id)}</code> },
  ];
}

/** What the newest attempt with a patch changed. */
function NewestPatch({ job }: { readonly job: Job }): JSX.Element | null {
  const found = job.attempts
    .toReversed()
    .flatMap(({ attempt, artifacts }) => {
      const artifact = artifacts.find(({ kind }) => kind === "patch");
      return artifact === undefined ? [] : [{ attempt, artifact }];
    })
    .at(0);
  if (found === undefined) return null;
  return (
    <Section title={`Patch of attempt ${found.attempt}`}>
      <ArtifactText key={found.attempt} job={job.id} attempt={found.attempt} artifact={found.artifact} />
    </Section>
  );
}
