import type { ApprovalDocument, Printed, RunDetailsDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asApiError, get, post, type ApiError } from "../api/call.ts";
import { hrefOf } from "../route.ts";
import { ActionButton } from "./action-button.tsx";
import { Dialog } from "./dialog.tsx";
import { SelectField, TextField } from "./fields.tsx";
import { Link } from "./link.tsx";
import { ErrorNote, Loading } from "./notes.tsx";
import { Time } from "./values.tsx";

export interface ApprovalButtonsProps {
  readonly run: string;
  readonly step: string;
  /** After an answer was taken. */
  readonly onDone: () => void;
}

type Decision = "approve" | "reject";

const labels: Readonly<Record<Decision, string>> = { approve: "Approve", reject: "Reject" };

/** Answers the approval that a step waits for, once its question was read. */
export function ApprovalButtons({ run, step, onDone }: ApprovalButtonsProps): JSX.Element {
  const [asked, setAsked] = useState<Decision | null>(null);
  const open = (decision: Decision) => () => {
    setAsked(decision);
    return Promise.resolve();
  };
  return (
    <span class="actions">
      <ActionButton label="Approve" title={`Step ${step}`} onAct={open("approve")} />
      <ActionButton label="Reject" title={`Step ${step}`} onAct={open("reject")} danger />
      {asked !== null && (
        <AnswerDialog
          {...{ run, step }}
          decision={asked}
          onClose={() => setAsked(null)}
          onDone={() => {
            setAsked(null);
            onDone();
          }}
        />
      )}
    </span>
  );
}

interface AnswerDialogProps extends ApprovalButtonsProps {
  readonly decision: Decision;
  readonly onClose: () => void;
}

type Question = Printed<RunDetailsDocument>["approvals"][number];

function AnswerDialog({ run, step, decision, onClose, onDone }: AnswerDialogProps): JSX.Element {
  const [question, setQuestion] = useState<Question | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [message, setMessage] = useState("");
  const [by, setBy] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    readQuestion(run, step, abort.signal).then(
      (found) => {
        setQuestion(found);
        setBy(found.who[0] ?? "");
      },
      (thrown: unknown) => {
        if (!abort.signal.aborted) setError(asApiError(thrown));
      },
    );
    return () => abort.abort();
  }, [run, step]);
  const act = async (): Promise<void> => {
    const body = { step, message, ...(by === "" ? {} : { by }) };
    await post<ApprovalDocument>(`/v1/workflow-runs/${encodeURIComponent(run)}/${decision}`, body);
    onDone();
  };
  return (
    <Dialog title={`${labels[decision]} ${step}?`} onClose={onClose}>
      <ErrorNote error={error} />
      {question === null && error === null && <Loading />}
      {question !== null && (
        <div class="dialog-text">
          <p class="foreign question">{question.message}</p>
          <p class="faint">
            Asked <Time at={question.askedAt} />
            {question.expiresAt !== null && (
              <>
                ; expires <Time at={question.expiresAt} />
              </>
            )}
            . <Link href={hrefOf(["runs", run])}>The run</Link>
          </p>
          {question.who.length > 0 && (
            <SelectField
              label="Answered by"
              value={by}
              options={question.who.map((name) => ({ value: name, label: name }))}
              onChange={setBy}
            />
          )}
          <TextField label="Message (optional)" value={message} onInput={setMessage} rows={2} />
        </div>
      )}
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          Back
        </button>
        <ActionButton
          label={labels[decision]}
          danger={decision === "reject"}
          disabled={question === null ? "The question is not read yet." : null}
          onAct={act}
        />
      </div>
    </Dialog>
  );
}

async function readQuestion(run: string, step: string, signal: AbortSignal): Promise<Question> {
  const details = await get<RunDetailsDocument>(`/v1/workflow-runs/${encodeURIComponent(run)}`, {}, signal);
  const found = details.approvals.find((each) => each.step === step);
  if (found === undefined) throw new Error("The step waits for no answer any more.");
  return found;
}
