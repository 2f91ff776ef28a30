/** Shows one job while it runs and when it has ended: as JSON lines for programs, or as lines on a screen for people. */
import type { ResultLine, RunEvent } from "@agentcore/contract";

export interface Presenter {
  /** Resolves when the reader can take more. */
  event(event: RunEvent): Promise<void>;
  /** A remark of this program itself, such as what Ctrl-C now does. Not part of the result. */
  remark(text: string): void;
  /** `refused`: the gate let nothing run. */
  end(result: ResultLine, refused: boolean): void;
  /** Leaves the screen as it should be left, even if there is no result. Idempotent. */
  close(): void;
}
