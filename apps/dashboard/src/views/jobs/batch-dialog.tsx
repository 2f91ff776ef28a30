import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asApiError, type ApiError } from "../../api/call.ts";
import { countText } from "../../format.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Meter } from "../../parts/meter.tsx";
import { ErrorNote } from "../../parts/notes.tsx";
import { noProgress, runBatches, type BatchAnswer, type Place, type Progress } from "./batches.ts";

export interface BatchDialogProps {
  /** Such as `Replay`, and what was done to those that are done, such as `replayed`. */
  readonly verb: string;
  readonly doneVerb: string;
  /** One of them, such as `dead letter`. */
  readonly noun: string;
  readonly count: () => Promise<number>;
  /** `total`: what `count` said. May throw what is wrong with a field. */
  readonly batches: (total: number) => (before: Place | undefined) => Promise<BatchAnswer>;
  readonly danger?: boolean | undefined;
  /** What happens to them, and fields. */
  readonly children?: ComponentChildren;
  readonly onClose: () => void;
}

interface Batches {
  /** Null: not counted yet. */
  readonly total: number | null;
  /** Null: not begun. */
  readonly progress: Progress | null;
  readonly error: ApiError | null;
  readonly start: () => void;
  readonly stop: () => void;
}

/** Counts, and works once it is told to. Closing the dialog stops it. */
function useBatches({ count, batches }: Pick<BatchDialogProps, "count" | "batches">): Batches {
  const [total, setTotal] = useState<number | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const isStopped = useRef(false);
  const stop = (): void => {
    isStopped.current = true;
  };
  useEffect(() => {
    count().then(setTotal, (thrown: unknown) => setError(asApiError(thrown)));
    return stop;
  }, []);
  const start = async (): Promise<void> => {
    if (total === null || progress?.state === "working") return;
    isStopped.current = false;
    setError(null);
    let last = noProgress;
    try {
      const batch = batches(total);
      setProgress(noProgress);
      const onProgress = (now: Progress): boolean => {
        last = now;
        setProgress(now);
        return !isStopped.current;
      };
      setProgress(await runBatches(batch, onProgress));
    } catch (thrown) {
      setError(asApiError(thrown));
      setProgress(last === noProgress ? null : { ...last, state: "stopped" });
    }
  };
  return { total, progress, error, start: () => void start(), stop };
}

/** Asks with the number that would be changed, then changes them, shows how far it is, and can be stopped. */
export function BatchDialog(props: BatchDialogProps): JSX.Element {
  const { verb, doneVerb, noun, danger = false } = props;
  const { total, progress, error, start, stop } = useBatches(props);
  const actions = useRef<HTMLDivElement>(null);
  const isWorking = progress?.state === "working";
  const isOver = progress !== null && !isWorking;
  useEffect(() => {
    // The button that had the focus is gone.
    if (isOver) actions.current?.querySelector("button")?.focus();
  }, [isOver]);
  const some = total === 1 ? `1 ${noun}` : `${countText(total)} ${noun}s`;
  return (
    <Dialog
      title={`${verb} ${total === null ? `${noun}s` : some}?`}
      onClose={isWorking ? stop : props.onClose}
    >
      {progress === null && (
        <div class="dialog-text">
          <div>{total === null ? "Counting …" : total === 0 ? "None match the filter." : props.children}</div>
        </div>
      )}
      {progress !== null && (
        <Meter value={progress.done + progress.failed} max={total} label={`${doneVerb} of all`} />
      )}
      <p role="status" class="batch-state">
        {progress !== null && progressText(progress, total, doneVerb)}
      </p>
      <ErrorNote error={error} />
      <div class="dialog-actions" ref={actions}>
        {isWorking ? (
          <button key="stop" type="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button key="close" type="button" onClick={props.onClose}>
            {progress === null ? "Back" : "Close"}
          </button>
        )}
        {(progress === null || isWorking) && total !== null && total > 0 && (
          <button
            key="start"
            type="button"
            class={danger ? "danger" : "primary"}
            aria-disabled={isWorking}
            onClick={start}
          >
            {isWorking ? `${verb} …` : `${verb} ${some}`}
          </button>
        )}
      </div>
    </Dialog>
  );
}

const heads = { working: "", stopped: "Stopped: ", finished: "Done: " };

function progressText(
  { done, failed, failure, state }: Progress,
  total: number | null,
  verb: string,
): string {
  const failures = failed === 0 ? "" : `, ${countText(failed)} could not be (${failure ?? ""})`;
  return `${heads[state]}${countText(done)} of ${countText(total)} ${verb}${failures}.`;
}
