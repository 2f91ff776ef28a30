import type { JSX } from "preact";
import { useId } from "preact/hooks";

export interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  /** On each key. */
  readonly onInput: (value: string) => void;
  readonly placeholder?: string | undefined;
  /** Below the field. */
  readonly hint?: string | undefined;
  readonly type?: "text" | "search" | "password" | "number" | "datetime-local" | undefined;
  /** Above 1: a field of several lines. */
  readonly rows?: number | undefined;
  readonly autoComplete?: string | undefined;
}

export function TextField(props: TextFieldProps): JSX.Element {
  const { label, value, onInput, placeholder, hint, type = "text", rows = 1, autoComplete = "off" } = props;
  const id = useId();
  // The types of JSX know one kind of input at a time.
  const typed: { readonly type: "text" } = { type: type as "text" };
  const shared = {
    id,
    value,
    placeholder,
    autoComplete,
    spellcheck: false,
    "aria-describedby": hint === undefined ? undefined : `${id}-hint`,
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
      onInput(currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows > 1 ? <textarea {...shared} rows={rows} /> : <input {...shared} {...typed} />}
      {hint !== undefined && (
        <small id={`${id}-hint`} class="faint">
          {hint}
        </small>
      )}
    </div>
  );
}

export interface SelectFieldProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (value: string) => void;
}

export function SelectField({ label, value, options, onChange }: SelectFieldProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}
