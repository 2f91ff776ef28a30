import type { TriggerDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { post } from "../../api/call.ts";
import { plainText } from "../../format.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { Section } from "../../parts/section.tsx";
import { Time } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";
import type { Overview } from "./now-view.tsx";

type HeldBack = Pick<Overview, "breakers" | "pauses" | "pressure">;

interface HeldBackProps {
  readonly overview: HeldBack;
  readonly onChange: () => void;
}

/** Breakers, the pressure of the machine, and pauses. */
export function HeldBackSection({ overview, onChange }: HeldBackProps): JSX.Element {
  const { breakers, pauses, pressure } = overview;
  const isFree = breakers.length === 0 && pauses.length === 0 && pressure === "accept";
  return (
    <Section title="Held back">
      {isFree && <p class="faint">No breaker is open, no trigger is paused, and the machine has room.</p>}
      <ul class="lines">
        {pressure !== "accept" && (
          <li>
            <Badge state={pressure ?? "unknown"} tone="warn" />
            <span class="grow">
              {pressure === null
                ? "The runtime does not answer."
                : "The machine is short of memory, disk or processor time."}
            </span>
          </li>
        )}
        {breakers.map(({ name, state, probeAt }) => (
          <li key={`breaker ${name}`}>
            <Badge state={state} />
            <span class="foreign grow">
              Breaker {plainText(name)}
              {probeAt !== null && (
                <span class="faint">
                  {" "}
                  probes <Time at={probeAt} />
                </span>
              )}
            </span>
          </li>
        ))}
        {pauses.map(({ trigger, note, at }) => (
          <li key={`pause ${trigger}`}>
            <Badge state="paused" />
            <span class="foreign grow">
              <Link href={hrefOf(["triggers", trigger])}>{trigger}</Link>
              {note !== "" && <span> {plainText(note)}</span>}{" "}
              <span class="faint">
                <Time at={at} />
              </span>
            </span>
            <Resume trigger={trigger} onDone={onChange} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Resume({ trigger, onDone }: { readonly trigger: string; readonly onDone: () => void }): JSX.Element {
  const resume = async (): Promise<void> => {
    await post<TriggerDocument>(`/v1/triggers/${encodeURIComponent(trigger)}/resume`);
    onDone();
  };
  return <ActionButton label="Resume" title={`Resume the trigger ${trigger}`} onAct={resume} />;
}
