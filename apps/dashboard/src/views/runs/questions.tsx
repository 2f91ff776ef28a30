import type { Printed, RunDetailsDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post } from "../../api/call.ts";
import { plainText } from "../../format.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Section } from "../../parts/section.tsx";
import { Time } from "../../parts/values.tsx";

type Details = Printed<RunDetailsDocument>;

export interface QuestionsProps {
  readonly run: Details;
  readonly path: string;
  readonly refresh: () => void;
}

/** The approvals that a run waits for. */
export function Questions({ run: { approvals }, path, refresh }: QuestionsProps): JSX.Element | null {
  if (approvals.length === 0) return null;
  return (
    <Section title="Needs an answer" count={approvals.length}>
      {approvals.map((approval) => (
        <Question key={approval.step} approval={approval} path={path} refresh={refresh} />
      ))}
    </Section>
  );
}

interface QuestionProps extends Omit<QuestionsProps, "run"> {
  readonly approval: Details["approvals"][number];
}

function Question({
  approval: { step, message, who, askedAt, expiresAt },
  path,
  refresh,
}: QuestionProps): JSX.Element {
  const [text, setText] = useState("");
  const answer = (verb: string) => async (): Promise<void> => {
    await post(`${path}/${verb}`, { step, message: text });
    refresh();
  };
  const confirm = (
    <>
      <p>{plainText(message)}</p>
      <TextField label="Message" value={text} onInput={setText} rows={3} hint="It is kept with the answer." />
    </>
  );
  return (
    <div class="question">
      <div>
        <p>
          <strong>{plainText(message)}</strong>
        </p>
        <p class="faint">
          Step {step}, asked <Time at={askedAt} />
          {expiresAt !== null && (
            <>
              , expires <Time at={expiresAt} />
            </>
          )}
          {who.length > 0 && `, for ${who.join(", ")}`}
        </p>
      </div>
      <div class="actions">
        <ActionButton label="Approve" confirm={confirm} onAct={answer("approve")} />
        <ActionButton label="Reject" danger confirm={confirm} onAct={answer("reject")} />
      </div>
    </div>
  );
}
