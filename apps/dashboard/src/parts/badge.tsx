import type { JSX } from "preact";
import { shapes, toneOf, wordOf, type Tone } from "./badge-tones.ts";

export interface BadgeProps {
  readonly state: string;
  /** Default: by the state. */
  readonly tone?: Tone | undefined;
  /** Default: the state as words. */
  readonly label?: string | undefined;
  readonly title?: string | undefined;
}

export function Badge({
  state,
  tone = toneOf(state),
  label = wordOf(state),
  title,
}: BadgeProps): JSX.Element {
  return (
    <span class={`badge tone-${tone}`} title={title}>
      <span class="shape" aria-hidden="true">
        {shapes[tone]}
      </span>
      {label}
    </span>
  );
}
