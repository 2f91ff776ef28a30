import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { wordOf } from "../../parts/badge-tones.ts";
import { go, setQuery } from "../../route.ts";
import {
  ages,
  fieldNames,
  hasMore,
  isFiltered,
  jobStates,
  withState,
  type FieldName,
  type JobFilterForm,
} from "./filter.ts";

export interface FilterBarProps {
  readonly form: JobFilterForm;
  /** False: all jobs of the list have the same state. */
  readonly hasStates: boolean;
  /** What `since` is about. */
  readonly since: "Submitted" | "Ended";
  /** Beside the fields. */
  readonly children?: ComponentChildren;
}

const fieldLabels: Readonly<Partial<Record<FieldName, string>>> = {
  workspace: "Workspace",
  tenant: "Tenant",
  run: "Workflow run",
  label: "Labels",
  code: "Code",
  errorClass: "Error class",
  key: "Key",
  id: "Id",
};

const hints: Readonly<Partial<Record<FieldName, string>>> = {
  workspace: "/its/whole/path",
  label: "NAME=VALUE, …",
  code: "AC_TIMEOUT",
  errorClass: "rate_limited",
  id: "the id, or its end",
};

/** The filter of a list, which the address keeps. */
export function FilterBar({ form, hasStates, since, children }: FilterBarProps): JSX.Element {
  // Once: it must not close while its last field is emptied.
  const [isOpen] = useState(hasMore(form));
  const change = (name: FieldName) => (value: string) => setQuery({ [name]: value, before: null });
  const text = (name: FieldName, label: string, type: "text" | "search" = "text"): JSX.Element => (
    <TextField
      key={name}
      label={label}
      type={type}
      value={form.fields[name]}
      placeholder={hints[name]}
      onInput={change(name)}
    />
  );
  const more = fieldNames.flatMap((name) => {
    const label = fieldLabels[name];
    return label === undefined ? [] : [text(name, label)];
  });
  return (
    <section aria-label="Filter" class="filter">
      {hasStates && <States form={form} />}
      <div class="filter-fields">
        {text("text", "Text in the instructions", "search")}
        {text("worker", "Worker")}
        <SelectField
          label={since}
          value={form.fields.since}
          options={[{ value: "", label: "at any time" }, ...ages]}
          onChange={change("since")}
        />
      </div>
      <details open={isOpen}>
        <summary>More conditions</summary>
        <div class="filter-fields">{more}</div>
      </details>
      <div class="actions">
        {isFiltered(form) && (
          <button type="button" class="quiet" onClick={() => go(location.pathname)}>
            Clear the filter
          </button>
        )}
        {children}
      </div>
    </section>
  );
}

function States({ form }: { readonly form: JobFilterForm }): JSX.Element {
  return (
    <div class="filters" role="group" aria-label="States">
      {jobStates.map((state) => (
        <button
          key={state}
          type="button"
          class="choice"
          aria-pressed={form.states.includes(state)}
          onClick={() => setQuery(withState(form, state))}
        >
          {wordOf(state)}
        </button>
      ))}
    </div>
  );
}

const settledMs = 250;

/** The value once it has not changed for a moment: a list is not read for each key. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), settledMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
