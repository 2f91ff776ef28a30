import type { JSX } from "preact";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { PageHead, Section } from "../../parts/section.tsx";
import { route, setQuery } from "../../route.ts";
import { Switch } from "../switch.tsx";
import { useList } from "../list.tsx";
import { options } from "../runs/runs-view.tsx";
import { EventTable, FiringTable, type Firing, type TriggerEvent } from "./tables.tsx";

const states = Object.keys({
  waiting: true,
  evaluating: true,
  running: true,
  analyzing: true,
  ended: true,
  skipped: true,
} satisfies Record<Firing["state"], true>);

export function EventsView(): JSX.Element {
  const showsFirings = route.value.query.get("show") === "firings";
  return (
    <>
      <PageHead
        title="Events"
        actions={
          <Switch
            options={[
              { value: "", label: "Events" },
              { value: "firings", label: "Firings" },
            ]}
            value={showsFirings ? "firings" : ""}
            onChange={(value) => setQuery({ show: value })}
          />
        }
      />
      {showsFirings ? <Firings /> : <Events />}
    </>
  );
}

function Events(): JSX.Element {
  const source = route.value.query.get("source") ?? "";
  const { items, pager, error, loading } = useList<TriggerEvent>(
    "/v1/trigger-events",
    { source },
    { topics: ["triggers"] },
  );
  return (
    <Section
      title="Events"
      actions={
        <TextField
          label="Source"
          type="search"
          value={source}
          onInput={(value) => setQuery({ source: value })}
        />
      }
    >
      <ErrorNote error={error} />
      {loading && items.length === 0 ? <Loading /> : <EventTable rows={items} />}
      {pager}
    </Section>
  );
}

function Firings(): JSX.Element {
  const { query } = route.value;
  const [trigger, state] = [query.get("trigger") ?? "", query.get("state") ?? ""];
  const list = useList<Firing>("/v1/firings", { trigger, state }, { topics: ["triggers"] });
  return (
    <Section
      title="Firings"
      actions={
        <div class="filters">
          <TextField
            label="Trigger"
            type="search"
            value={trigger}
            onInput={(value) => setQuery({ trigger: value })}
          />
          <SelectField
            label="State"
            value={state}
            options={options(states, "any")}
            onChange={(value) => setQuery({ state: value })}
          />
        </div>
      }
    >
      <ErrorNote error={list.error} />
      {list.loading && list.items.length === 0 ? (
        <Loading />
      ) : (
        <FiringTable rows={list.items} refresh={list.refresh} />
      )}
      {list.pager}
    </Section>
  );
}
