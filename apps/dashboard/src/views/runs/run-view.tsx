import type { Printed, RunDetailsDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, post, type ListDocument } from "../../api/call.ts";
import { countText } from "../../format.ts";
import { useLive, type LiveQuery } from "../../live/live.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { Link } from "../../parts/link.tsx";
import { Empty, ErrorNote, Loading } from "../../parts/notes.tsx";
import { Facts, PageHead, Section, type Fact } from "../../parts/section.tsx";
import { Switch } from "../switch.tsx";
import { Duration, Money, ShortId, Time } from "../../parts/values.tsx";
import { hrefOf, route, setQuery } from "../../route.ts";
import { jsonText } from "../json-text.ts";
import { Questions } from "./questions.tsx";
import { RunGraph } from "./run-graph.tsx";
import { RunBadge, runMs } from "./runs-view.tsx";
import { StepDetails } from "./step-details.tsx";
import { StepTree } from "./step-table.tsx";
import { treeRows, type Graph, type Step, type TreeRow } from "./step-tree.ts";
import "./run-graph.css";

type Details = Printed<RunDetailsDocument>;

interface RunData {
  readonly run: Details;
  readonly steps: readonly Step[];
}

const ended = (run: Details): boolean => !["RUNNING", "INTERRUPTED"].includes(run.state);

export function RunView(): JSX.Element {
  const id = route.value.path[1] ?? "";
  const path = `/v1/workflow-runs/${encodeURIComponent(id)}`;
  const on: LiveQuery = { topics: ["workflows"], run: id };
  const { data, error, refresh } = useLive<RunData>(
    async (signal) => {
      const run = await get<Details>(path, {}, signal);
      if (run.steps === null) return { run, steps: [] };
      const { items } = await get<ListDocument<Step>>(`${path}/steps`, {}, signal);
      return { run, steps: items };
    },
    on,
    [id],
  );
  // It is the same for the whole run.
  const graph = useLive((signal) => get<Graph>(`${path}/graph`, {}, signal), { topics: [] }, [id]);
  if (data === null) return error === null ? <Loading /> : <ErrorNote error={error} />;
  const { run, steps } = data;
  const rows = graph.data === null ? [] : treeRows(graph.data, steps);
  return (
    <>
      <PageHead
        title={
          <>
            {run.name} <ShortId id={run.id} /> <RunBadge run={run} />
          </>
        }
        actions={<RunActions run={run} path={path} refresh={refresh} />}
      />
      <ErrorNote error={error} />
      <Questions run={run} path={path} refresh={refresh} />
      {run.steps === null && (
        <Section title="Steps">
          <Empty>
            The workflow file has changed since this run began, so that its steps are not known. Its jobs are.
          </Empty>
        </Section>
      )}
      {run.steps !== null && graph.error !== null && <ErrorNote error={graph.error} />}
      {rows.length > 0 && <Steps name={run.name} drawing={graph.data?.drawing ?? null} rows={rows} />}
      <StepDetails run={run.id} path={path} rows={rows} isEnded={ended(run)} refresh={refresh} />
      <Section title="About this run">
        <Facts items={factsOf(run)} />
      </Section>
    </>
  );
}

function factsOf(run: Details): readonly Fact[] {
  const inputs = Object.entries(run.inputs);
  return [
    ...(run.message === null ? [] : [{ term: "Message", value: run.message }]),
    { term: "Jobs", value: <Link href={hrefOf(["jobs"], { run: run.id })}>the jobs of this run</Link> },
    { term: "Started", value: <Time at={run.startedAt} /> },
    { term: "Took", value: <Duration ms={runMs(run)} /> },
    { term: "Cost", value: <Money usd={run.costUsd} /> },
    { term: "Tokens", value: countText(run.tokens) },
    { term: "Workflow file", value: run.file },
    { term: "Workspace", value: run.workspace },
    ...inputs.map(([name, value]) => ({
      term: `Input ${name}`,
      value: jsonText(value, { max: 500, indent: 0 }),
    })),
  ];
}

interface RunActionsProps {
  readonly run: Details;
  readonly path: string;
  readonly refresh: () => void;
}

function RunActions({ run, path, refresh }: RunActionsProps): JSX.Element {
  const ask = (verb: string, body?: object) => async (): Promise<void> => {
    await post(`${path}/${verb}`, body);
    refresh();
  };
  return (
    <>
      {run.state === "INTERRUPTED" && <ActionButton label="Resume" onAct={ask("resume")} />}
      {ended(run) && run.state !== "SUCCEEDED" && (
        <ActionButton label="Retry failed steps" onAct={ask("retry")} />
      )}
      {ended(run) && run.steps !== null && <RetryFrom run={run} path={path} refresh={refresh} />}
      {!ended(run) && (
        <ActionButton
          label="Cancel run"
          danger
          confirm="Its steps are stopped, with all that they started. The run ends as cancelled."
          onAct={ask("cancel", { reason: "cancelled on the page" })}
        />
      )}
    </>
  );
}

function RetryFrom({ run, path, refresh }: RunActionsProps): JSX.Element {
  const ids = (run.steps ?? []).map(({ id }) => id);
  const [from, setFrom] = useState(ids[0] ?? "");
  return (
    <ActionButton
      label="Retry from a step"
      confirm={
        <>
          <p>The step runs again, and every step that waits for it.</p>
          <SelectField
            label="Step"
            value={from}
            options={ids.map((value) => ({ value, label: value }))}
            onChange={setFrom}
          />
        </>
      }
      onAct={async () => {
        await post(`${path}/retry`, { from });
        refresh();
      }}
    />
  );
}

interface StepsProps {
  readonly name: string;
  readonly drawing: Graph["drawing"];
  readonly rows: readonly TreeRow[];
}

function Steps({ name, drawing, rows }: StepsProps): JSX.Element {
  const { path, query } = route.value;
  const isWide = matchMedia("(min-width: 700px)").matches;
  const show = query.get("show") ?? (isWide && drawing !== null ? "graph" : "tree");
  const hrefOfStep = (step: string): string => hrefOf(path, { show: query.get("show"), step });
  return (
    <Section
      title="Steps"
      count={rows.length}
      actions={
        <Switch
          options={[
            { value: "graph", label: "Graph" },
            { value: "tree", label: "Tree" },
          ]}
          value={show}
          onChange={(value) => setQuery({ show: value })}
        />
      }
    >
      {show === "tree" ? (
        <StepTree rows={rows} hrefOf={hrefOfStep} />
      ) : drawing === null ? (
        <Empty>A graph of more than 60 steps is not drawn here; the tree shows them all.</Empty>
      ) : (
        <RunGraph name={name} drawing={drawing} rows={rows} hrefOf={hrefOfStep} />
      )}
    </Section>
  );
}
