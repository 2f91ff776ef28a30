/** What a worker writes: the end of its log, followed. */
import type { LogChunkDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get } from "../../api/call.ts";
import { bytesText } from "../../format.ts";
import { paused, useLive } from "../../live/live.ts";
import { SelectField } from "../../parts/fields.tsx";
import { Empty, ErrorNote, Loading } from "../../parts/notes.tsx";
import { Section } from "../../parts/section.tsx";
import {
  allLines,
  emptyTail,
  isCurrent,
  nextRead,
  visibleLines,
  withChunk,
  type LogTail,
} from "./log-tail.ts";

export interface LogSectionProps {
  readonly id: string;
  /** Of the newest; 0: none has begun. */
  readonly attempt: number;
}

const streams = [
  { value: "stdout", label: "stdout" },
  { value: "stderr", label: "stderr" },
];

export function LogSection({ id, attempt }: LogSectionProps): JSX.Element {
  const [stream, setStream] = useState("stdout");
  const [chosen, setChosen] = useState("");
  const shown = chosen === "" ? attempt : Number(chosen);
  const attempts = Array.from({ length: Math.min(attempt, 100) }, (_, index) => String(attempt - index));
  const fields = attempt > 0 && (
    <>
      {attempt > 1 && (
        <SelectField
          label="Attempt"
          value={chosen}
          options={[
            { value: "", label: `newest (${attempt})` },
            ...attempts.map((value) => ({ value, label: value })),
          ]}
          onChange={setChosen}
        />
      )}
      <SelectField label="Stream" value={stream} options={streams} onChange={setStream} />
    </>
  );
  return (
    <Section title="Output" actions={fields}>
      {attempt === 0 ? (
        <Empty>Nothing has run yet.</Empty>
      ) : (
        <Tail key={`${id} ${shown} ${stream}`} id={id} attempt={shown} stream={stream} />
      )}
    </Section>
  );
}

interface TailProps {
  readonly id: string;
  readonly attempt: number;
  readonly stream: string;
}

/** The end of a log may be written after the event about it. */
const lookAgainMs = 2000;
/** At once; the rest is read the next time. */
const chunksMax = 8;

function Tail({ id, attempt, stream }: TailProps): JSX.Element {
  const tail = useRef<LogTail>(emptyTail);
  const { data, error, refresh } = useLive(
    async (signal) => {
      for (let chunks = 0; chunks < chunksMax; chunks += 1) {
        const query = { attempt, stream, ...nextRead(tail.current) };
        const chunk = await get<LogChunkDocument>(`/v1/jobs/${encodeURIComponent(id)}/logs`, query, signal);
        tail.current = withChunk(tail.current, chunk);
        if (isCurrent(tail.current)) break;
      }
      return tail.current;
    },
    { topics: ["jobs", "output"], job: id },
    [id, attempt, stream],
  );
  const isOver = data?.ended === true;
  useEffect(() => {
    if (isOver) return;
    const look = (): void => {
      if (!paused.peek() && document.visibilityState === "visible") refresh();
    };
    const timer = setInterval(look, lookAgainMs);
    return () => clearInterval(timer);
  }, [isOver]);
  if (data === null) return error === null ? <Loading /> : <ErrorNote error={error} />;
  return (
    <>
      <ErrorNote error={error} />
      {data.skippedBytes > 0 && (
        <p class="faint">
          The first {bytesText(data.skippedBytes)} are not shown; agentcore jobs logs prints all.
        </p>
      )}
      <Lines lines={allLines(data)} label={`${stream} of attempt ${attempt}`} isOver={isOver} />
    </>
  );
}

const lineHeight = 18;

interface LinesProps {
  readonly lines: readonly string[];
  readonly label: string;
  readonly isOver: boolean;
}

const isAtEnd = (box: HTMLElement): boolean =>
  box.scrollHeight - box.scrollTop - box.clientHeight < 2 * lineHeight;

/** Draws the lines near the window. It stays at the end as long as the reader is there. */
function Lines({ lines, label, isOver }: LinesProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  const [follows, setFollows] = useState(true);
  /** Where it was scrolled to last, to follow. */
  const placed = useRef(0);
  const look = (): void => {
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {};
    setView((last) =>
      last.top === scrollTop && last.height === clientHeight
        ? last
        : { top: scrollTop, height: clientHeight },
    );
  };
  useLayoutEffect(() => {
    const seen = box.current;
    if (follows && seen !== null) {
      // Lines can come between the reader's scrolling and the event about it.
      if (seen.scrollTop < placed.current && !isAtEnd(seen)) setFollows(false);
      else seen.scrollTop = seen.scrollHeight;
      placed.current = seen.scrollTop;
    }
    look();
  }, [lines, follows]);
  const toEnd = (): void => {
    placed.current = 0;
    setFollows(true);
  };
  const onScroll = ({ currentTarget: seen }: { currentTarget: HTMLDivElement }): void => {
    look();
    setFollows(isAtEnd(seen));
  };
  if (lines.length === 0)
    return <Empty>{isOver ? "It wrote nothing." : "It has written nothing yet."}</Empty>;
  const { from, to } = visibleLines(lines.length, { ...view, lineHeight });
  return (
    <>
      <div ref={box} class="log" role="region" aria-label={label} tabIndex={0} onScroll={onScroll}>
        <div class="log-room" style={{ height: `${lines.length * lineHeight}px` }}>
          <pre style={{ transform: `translateY(${from * lineHeight}px)` }}>
            {lines.slice(from, to).join("\n")}
          </pre>
        </div>
      </div>
      <p class="log-foot">
        <span class="faint">{isOver ? "It has ended." : follows ? "Following." : "Not following."}</span>
        {!follows && (
          <button type="button" onClick={toEnd}>
            To the end
          </button>
        )}
      </p>
    </>
  );
}
