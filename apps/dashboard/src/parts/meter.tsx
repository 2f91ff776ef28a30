import type { ComponentChildren, JSX } from "preact";

export interface MeterProps {
  readonly value: number;
  /** Null: there is no limit, and no bar. */
  readonly max: number | null;
  /** What it shows, for those who do not see it. */
  readonly label: string;
  /** `progress`: to be full is good. Default `limit`. */
  readonly kind?: "limit" | "progress" | undefined;
  /** Beside the bar, such as `$1.20 of $5`. */
  readonly children?: ComponentChildren;
}

const nearShare = 0.8;

/** How much of a limit is used. */
export function Meter({ value, max, label, kind = "limit", children }: MeterProps): JSX.Element {
  const share = max === null || max <= 0 ? null : Math.min(1, value / max);
  const level =
    kind === "progress" || share === null || share < nearShare ? "" : share < 1 ? " near" : " full";
  return (
    <span class="meter-box">
      {share !== null && (
        <span
          class={`meter${level}`}
          role={kind === "progress" ? "progressbar" : "meter"}
          aria-label={label}
          aria-valuenow={Math.round(share * 100)}
          aria-valuemin={0}
          aria-valuemax={100}
        >
          <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect width={share * 100} height="1" />
          </svg>
        </span>
      )}
      {children !== undefined && <span class="number">{children}</span>}
    </span>
  );
}
