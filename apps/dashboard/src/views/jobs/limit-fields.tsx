import type { JSX } from "preact";
import { TextField } from "../../parts/fields.tsx";
import type { LimitFields } from "./limits.ts";

export interface LimitFieldsProps {
  readonly value: LimitFields;
  readonly onChange: (change: Partial<LimitFields>) => void;
  /** What an empty field means. */
  readonly empty: string;
}

const fields: readonly (readonly [keyof LimitFields, string])[] = [
  ["model", "Model"],
  ["minutes", "Minutes of an attempt"],
  ["attempts", "Attempts"],
  ["costUsd", "US dollars at most"],
  ["tokens", "Tokens at most"],
];

export function LimitInputs({ value, onChange, empty }: LimitFieldsProps): JSX.Element {
  return (
    <div class="filter-fields">
      {fields.map(([name, label]) => (
        <TextField
          key={name}
          label={label}
          value={value[name]}
          placeholder={empty}
          onInput={(text) => onChange({ [name]: text })}
        />
      ))}
    </div>
  );
}
