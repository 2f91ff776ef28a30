/** The escalation for requests that the spend gate refused for their key. */
import type { Escalation, RefusedKeyKind } from "@agentcore/contract";
import type { KeyOwner, RefusedKeyReport } from "./spend-gate.ts";

const words: Readonly<Record<RefusedKeyKind, (of: string) => string>> = {
  missing: () => "without a key",
  unknown: () => "with a key that no attempt of this runtime was given lately",
  ended: (of) => `with the key of ${of}, whose permit has ended`,
  earlier_attempt: (of) => `with the key of ${of}, while a later attempt of the job runs`,
  stopping: (of) => `with the key of ${of}, which is being stopped`,
};

const nameOf = (of: KeyOwner | null): string =>
  of === null ? "an attempt" : `attempt ${of.attempt} of job ${of.jobId}`;

export function refusedKeyEscalation({ kind, requests, of }: RefusedKeyReport, at: number): Escalation {
  const count = requests === 1 ? "a request" : `${requests} requests`;
  return {
    stage: "notify",
    code: "AC_SPEND_GATE_KEY",
    target: "spend-gate",
    message: `the spend gate refused ${count} ${words[kind](nameOf(of))}`,
    evidence: { kind, requests, ...of },
    at,
  };
}
