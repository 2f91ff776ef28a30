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
  /** Such as `dead letters`. */
  readonly noun: string;
  readonly count: () => Promise<number>;
  /** `total`: what `count` said. May throw what is wrong with a field. */
  readonly batches: (total: number) => (before: Place | undefined) => Promise<BatchAnswer>;
  readonly danger?: boolean | undefined;
  /** What happens to them, and fields. */
  readonly children?: ComponentChildren;
  readonly onClose: () => void;
}

/** Asks with the number that would be changed, then changes them, shows how far it is, and can be stopped. */
export function BatchDialog(props: BatchDialogProps): JSX.Element {
  const { verb, doneVerb, noun, batches, danger = false } = props;
  const [total, setTotal] = useState<number | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const isStopped = useRef(false);
  useEffect(() => {
    props.count().then(setTotal, (thrown: unknown) => setError(asApiError(thrown)));
    return () => {
      isStopped.current = true;
    };
  }, []);
  const isWorking = progress?.state === "working";
  const start = async (): Promise<void> => {
    if (total === null || isWorking) return;
    isStopped.current = false;
    setError(null);
    let last = noProgress;
    try {
      const batch = batches(total);
      setProgress(noProgress);
      setProgress(
        await runBatches(batch, (now) => {
          last = now;
          setProgress(now);
          return !isStopped.current;
        }),
      );
    } catch (thrown) {
      setError(asApiError(thrown));
      setProgress(last === noProgress ? null : { ...last, state: "stopped" });
    }
  };
  const stop = (): void => {
    isStopped.current = true;
  };
  const some = `${countText(total)} ${noun}`;
  return (
    <Dialog title={`${verb} ${total === null ? noun : some}?`} onClose={isWorking ? stop : props.onClose}>
      {progress === null && (
        <div class="dialog-text">
          <p>{total === null ? "Counting …" : total === 0 ? "None match the filter." : props.children}</p>
        </div>
      )}
      {progress !== null && (
        <Meter value={progress.done + progress.failed} max={total} label={`${doneVerb} of all`} />
      )}
      <p role="status" class="batch-state">
        {progress !== null && progressText(progress, total, doneVerb)}
      </p>
      <ErrorNote error={error} />
      <div class="dialog-actions">
        {isWorking && (
          <button type="button" onClick={stop}>
            Stop
          </button>
        )}
        {!isWorking && (
          <button type="button" onClick={props.onClose}>
            {progress === null ? "Back" : "Close"}
          </button>
        )}
        {progress === null && total !== null && total > 0 && (
          <button type="button" class={danger ? "danger" : "primary"} onClick={() => void start()}>
            {`${verb} ${some}`}
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
