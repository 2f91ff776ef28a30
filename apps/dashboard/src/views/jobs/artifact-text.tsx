/** The text of an artifact, read in parts; a patch in colors. */
import type { ArtifactChunkDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asApiError, get, type ApiError } from "../../api/call.ts";
import { bytesText, countText, plainText } from "../../format.ts";
import { Empty, ErrorNote, Loading } from "../../parts/notes.tsx";
import { diffBlocks, diffCounts } from "./diff.ts";

export interface ArtifactTextProps {
  readonly job: string;
  readonly attempt: number;
  readonly artifact: { readonly name: string; readonly kind: string; readonly path: string };
}

const partBytes = 128 * 1024;
/** The page shows no more of an artifact. */
const shownBytesMax = 8 * partBytes;

export function ArtifactText({ job, attempt, artifact }: ArtifactTextProps): JSX.Element {
  const { name, kind, path } = artifact;
  const [read, setRead] = useState({ text: "", nextOffset: 0, sizeBytes: -1 });
  const [error, setError] = useState<ApiError | null>(null);
  const readOn = async (offset: number): Promise<void> => {
    try {
      const query = { attempt, name, kind, offset, limit: partBytes };
      const chunk = await get<ArtifactChunkDocument>(`/v1/jobs/${encodeURIComponent(job)}/artifact`, query);
      setRead((last) => (last.nextOffset === offset ? { ...chunk, text: last.text + chunk.text } : last));
    } catch (thrown) {
      setError(asApiError(thrown));
    }
  };
  useEffect(() => void readOn(0), []);
  const { text, nextOffset, sizeBytes } = read;
  if (error !== null) return <ErrorNote error={error} />;
  if (sizeBytes < 0) return <Loading />;
  if (sizeBytes === 0) return <Empty>It is empty.</Empty>;
  const left = sizeBytes - nextOffset;
  return (
    <>
      {kind === "patch" ? (
        <Patch text={plainText(text)} isWhole={left === 0} />
      ) : (
        <pre class="text-box" role="region" aria-label={name} tabIndex={0}>
          {plainText(text)}
        </pre>
      )}
      {left > 0 && nextOffset < shownBytesMax && (
        <p class="pager">
          <button type="button" onClick={() => void readOn(nextOffset)}>
            Show more ({bytesText(left)} are left)
          </button>
        </p>
      )}
      {left > 0 && nextOffset >= shownBytesMax && (
        <p class="faint foreign">
          The rest, {bytesText(left)}, is in {path}.
        </p>
      )}
    </>
  );
}

function Patch({ text, isWhole }: { readonly text: string; readonly isWhole: boolean }): JSX.Element {
  const blocks = diffBlocks(text);
  const { files, added, removed } = diffCounts(blocks);
  return (
    <>
      <p class="faint">
        {isWhole ? "" : "So far: "}
        {files === 1 ? "1 file" : `${countText(files)} files`}, {countText(added)} lines added,{" "}
        {countText(removed)} removed
      </p>
      <pre class="text-box diff" role="region" aria-label="Patch" tabIndex={0}>
        {blocks.map(({ kind, lines }, index) => (
          <span key={index} class={`diff-${kind}`}>
            {`${lines.join("\n")}\n`}
          </span>
        ))}
      </pre>
    </>
  );
}
