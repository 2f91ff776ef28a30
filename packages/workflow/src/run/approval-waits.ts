/** The approvals that a run waits for: each ends with the first answer that counts, or when its time has passed. */
import type { Clock, Timer } from "@agentcore/contract";
import { formatDuration } from "@agentcore/contract";
import type { Answers } from "./answers.ts";
import type { AnswerRequest } from "./requests.ts";
import type { Approval, ApprovalAnswer, RunEventEntry } from "../records/entry-types.ts";

export interface ApprovalWaitsOptions {
  readonly clock: Clock;
  readonly answers: Answers;
  /** Gets the entry that ends a wait. */
  readonly put: (entry: RunEventEntry) => void;
}

interface Wait {
  readonly id: string;
  readonly end: () => void;
}

const retryMs = 500;

export class ApprovalWaits {
  readonly #options: ApprovalWaitsOptions;
  readonly #byStep = new Map<string, Wait>();

  constructor(options: ApprovalWaitsOptions) {
    this.#options = options;
  }

  /** Begins the wait of a step, once. `askedAt`: wall clock, in ms. */
  begin(step: string, id: string, approval: Approval, askedAt: number): void {
    if (this.#byStep.get(step)?.id === id) return;
    const { answers, clock, put } = this.#options;
    let timer: Timer | undefined;
    let isOver = false;
    const finish = (answer: ApprovalAnswer, reason: string): void => {
      if (isOver) return;
      isOver = true;
      this.end(step);
      const event = { type: "approval_answered", decision: answer.decision, reason } as const;
      put({ type: "event", at: clock.now(), event: { type: "step", step, event }, answer });
    };
    const unfollow = answers.follow(id, (request) => {
      if (!counts(request, approval)) return;
      const { decision, by, message, at } = request;
      const words = message === "" ? "" : `: ${message}`;
      finish({ decision, by, message, at }, `${decision} by ${by}${words}`);
    });
    const { expiresAt } = approval;
    const expire = async (limit: number): Promise<void> => {
      // An answer that was given in time counts, even if this process has not seen it yet.
      const isKnown = await answers.refresh();
      if (isOver) return;
      if (!isKnown) timer = clock.setTimer(retryMs, () => void expire(limit));
      else {
        const reason = `nobody answered within ${formatDuration(limit - askedAt)}`;
        finish({ decision: "timed_out", by: null, message: "", at: limit }, reason);
      }
    };
    const end = (): void => {
      isOver = true;
      unfollow();
      timer?.cancel();
    };
    if (isOver) return unfollow();
    this.#byStep.set(step, { id, end });
    if (expiresAt === null) return;
    // The clock may have been set back since.
    const leftMs = Math.min(expiresAt - askedAt, Math.max(0, expiresAt - clock.now()));
    timer = clock.setTimer(leftMs, () => void expire(expiresAt));
  }

  /** Does nothing if the step does not wait. */
  end(step: string): void {
    this.#byStep.get(step)?.end();
    this.#byStep.delete(step);
  }

  close(): void {
    for (const step of this.#byStep.keys()) this.end(step);
  }
}

function counts({ by, at }: AnswerRequest, { who, expiresAt }: Approval): boolean {
  return (who.length === 0 || who.includes(by)) && at <= (expiresAt ?? Infinity);
}
