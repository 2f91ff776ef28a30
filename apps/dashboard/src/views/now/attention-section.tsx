import type { JSX } from "preact";
import { plainText } from "../../format.ts";
import { ApprovalButtons } from "../../parts/approval.tsx";
import { Badge } from "../../parts/badge.tsx";
import type { Tone } from "../../parts/badge-tones.ts";
import { Link } from "../../parts/link.tsx";
import { Section } from "../../parts/section.tsx";
import { Time } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";
import type { Overview } from "./now-view.tsx";

type Attention = Overview["attention"][number];

const tones: Readonly<Record<Attention["kind"], Tone>> = {
  approval: "warn",
  dead_letters: "bad",
  trigger_paused: "off",
  survivors: "bad",
  escalation: "bad",
  unready: "bad",
};

interface AttentionProps {
  readonly attention: readonly Attention[];
  readonly onChange: () => void;
}

export function AttentionSection({ attention, onChange }: AttentionProps): JSX.Element | null {
  if (attention.length === 0) return null;
  return (
    <Section title="Needs you" count={attention.length} class="attention">
      <ul class="lines">
        {attention.map((entry) => (
          <li key={keyOf(entry)}>
            <Badge state={entry.kind} tone={tones[entry.kind]} />
            <span class="foreign grow">
              <What entry={entry} />
              {entry.at !== null && (
                <span class="faint">
                  {" "}
                  <Time at={entry.at} />
                </span>
              )}
            </span>
            <Act entry={entry} onChange={onChange} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

const keyOf = ({ kind, run, step, job, trigger, text }: Attention): string =>
  [kind, run ?? "", step ?? "", job ?? "", trigger ?? "", kind === "dead_letters" ? "" : text].join("\n");

function What({ entry }: { readonly entry: Attention }): JSX.Element {
  const text = plainText(entry.text);
  const href = hrefFor(entry);
  return href === null ? <>{text}</> : <Link href={href}>{text}</Link>;
}

function hrefFor({ kind, run, job, trigger }: Attention): string | null {
  if (kind === "dead_letters") return "/dead";
  if (run !== null) return hrefOf(["runs", run]);
  if (job !== null) return hrefOf(["jobs", job]);
  return trigger === null ? null : hrefOf(["triggers", trigger]);
}

function Act({
  entry,
  onChange,
}: {
  readonly entry: Attention;
  readonly onChange: () => void;
}): JSX.Element | null {
  const { kind, run, step } = entry;
  if (kind !== "approval" || run === null || step === null) return null;
  return <ApprovalButtons run={run} step={step} onDone={onChange} />;
}
