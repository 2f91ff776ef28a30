import type { JSX } from "preact";
import "./switch.css";

export interface SwitchProps {
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** One of a few ways to see the same. */
export function Switch({ options, value, onChange }: SwitchProps): JSX.Element {
  return (
    <span class="switch">
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </span>
  );
}
