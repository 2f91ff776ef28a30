/**
 * Shares one result among all concurrent callers of the same question. The question is cancelled only when no caller waits
 * any more. A caller that stops waiting is rejected immediately, and the last one when the question has really ended.
 */
import { AgentCoreError } from "@agentcore/contract";

interface Question<T> {
  readonly answer: Promise<T>;
  readonly giveUp: AbortController;
  waiting: number;
}

export class SharedQuestions<T> {
  readonly #open = new Map<string, Question<T>>();

  /** Rejects as `ask` does, and with `AC_CANCELLED` if the signal is aborted first. */
  async ask(
    key: string,
    signal: AbortSignal | undefined,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const question = this.#open.get(key) ?? this.#begin(key, ask);
    question.waiting += 1;
    const aborted = Promise.withResolvers<"aborted">();
    const onAbort = (): void => aborted.resolve("aborted");
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const first = await Promise.race([question.answer, aborted.promise]);
      if (first !== "aborted") return first;
    } finally {
      question.waiting -= 1;
      signal?.removeEventListener("abort", onAbort);
    }
    if (question.waiting === 0) {
      if (this.#open.get(key) === question) this.#open.delete(key);
      question.giveUp.abort();
      await question.answer.catch(() => undefined); // what it said is no longer wanted
    }
    throw new AgentCoreError("AC_CANCELLED", "what the program was to say is no longer wanted");
  }

  #begin(key: string, ask: (signal: AbortSignal) => Promise<T>): Question<T> {
    const giveUp = new AbortController();
    const answer = ask(giveUp.signal);
    const question = { answer, giveUp, waiting: 0 };
    const close = (): void => {
      if (this.#open.get(key) === question) this.#open.delete(key);
    };
    answer.then(close, close);
    this.#open.set(key, question);
    return question;
  }
}
