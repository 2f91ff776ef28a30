/** Sends the notifications of a run beside its steps. Their ends are entries in the inbox of the run. */
import type { Notification, RunEntry, RunNotificationEntry } from "../records/entry-types.ts";
import type { StepContext } from "../steps/step-context.ts";
import type { Inbox } from "./inbox.ts";
import { sendNotification } from "./notifications.ts";

export class Notifier {
  readonly #context: StepContext;
  readonly #inbox: Inbox<RunEntry>;
  readonly #ending = new AbortController();
  #sending = 0;

  constructor(context: StepContext, inbox: Inbox<RunEntry>) {
    this.#context = context;
    this.#inbox = inbox;
  }

  /** How many are being sent. */
  get sending(): number {
    return this.#sending;
  }

  /** Sends what begins; reports what has failed. */
  journaled({ at, key, begins, ended }: RunNotificationEntry): void {
    if (begins !== undefined) this.#send(key, begins, false);
    const { record, outermost } = this.#context;
    const { runId, emit } = outermost?.context ?? this.#context;
    const event = record().notifications.get(key)?.begins.event;
    const problem = ended?.problem ?? null;
    if (event === undefined || problem === null) return;
    emit({ type: "notification_failed", at, run: runId, event, problem });
  }

  /** Takes over what an earlier process began and did not end. */
  resume(): void {
    for (const [key, { begins, ended }] of this.#context.record().notifications)
      if (ended === null) this.#send(key, begins, true);
  }

  /** Ends those that are being sent. */
  abort(): void {
    this.#ending.abort();
  }

  #send(key: string, begins: Notification["begins"], resumed: boolean): void {
    const { post } = this.#context.settings;
    this.#sending += 1;
    sendNotification(this.#context, { key, begins, resumed, post, signal: this.#ending.signal })
      .finally(() => {
        this.#sending -= 1;
      })
      .then((entry) => this.#inbox.put(entry))
      .catch((error: unknown) => this.#inbox.fail(error));
  }
}
