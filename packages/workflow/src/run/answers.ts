/** The answers to approvals that reach a run: of the outermost run, for all runs below it. */
import type { AnswerRequest } from "./requests.ts";

export class Answers {
  readonly #given: AnswerRequest[] = [];
  readonly #listeners = new Map<string, (answer: AnswerRequest) => void>();
  #look: () => Promise<boolean> = async () => true;

  /** `look`: passes on what came since the last look; false if that cannot be read. */
  readFrom(look: () => Promise<boolean>): void {
    this.#look = look;
  }

  /** Resolves when all answers that were given by now are known; with false if they cannot be read. */
  refresh(): Promise<boolean> {
    return this.#look();
  }

  take(answer: AnswerRequest): void {
    this.#given.push(answer);
    this.#listeners.get(answer.waitId)?.(answer);
  }

  /** Passes on the answers to one wait, including earlier ones. Returns a function that ends this. */
  follow(waitId: string, listener: (answer: AnswerRequest) => void): () => void {
    this.#listeners.set(waitId, listener);
    for (const answer of this.#given) if (answer.waitId === waitId) listener(answer);
    return () => void this.#listeners.delete(waitId);
  }
}
