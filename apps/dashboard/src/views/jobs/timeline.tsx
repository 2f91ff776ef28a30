import type { JSX } from "preact";
import { absoluteText, plainText } from "../../format.ts";
import { Badge } from "../../parts/badge.tsx";
import { Section } from "../../parts/section.tsx";
import { Time } from "../../parts/values.tsx";
import type { Chapter } from "./story.ts";

export function Timeline({ chapters }: { readonly chapters: readonly Chapter[] }): JSX.Element {
  return (
    <Section title="Story">
      <ol class="story">
        {chapters.map((chapter, index) => (
          <li key={index}>
            <Moment at={chapter.at} before={chapters[index - 1]?.at} />
            <div class="foreign">
              <Badge state={chapter.title} tone={chapter.tone} label={chapter.title} />
              {chapter.count > 1 && (
                <span class="faint">
                  {" "}
                  {chapter.count} times, last <Time at={chapter.until} />
                </span>
              )}{" "}
              {chapter.code !== null && <code>{chapter.code}</code>} {plainText(chapter.text)}
              {chapter.setting !== null && <small class="faint"> Set at {chapter.setting}.</small>}
            </div>
          </li>
        ))}
      </ol>
    </Section>
  );
}

interface MomentProps {
  readonly at: number;
  /** Of the chapter before it. */
  readonly before: number | undefined;
}

/** The time of day; the day too where it is another one. */
function Moment({ at, before }: MomentProps): JSX.Element {
  const text = absoluteText(at);
  const [day = "", time = ""] = text.split(" ");
  const isSameDay = before !== undefined && absoluteText(before).startsWith(day);
  return (
    <time dateTime={new Date(at).toISOString()} title={text}>
      {!isSameDay && <span class="story-day">{day} </span>}
      {time}
    </time>
  );
}
