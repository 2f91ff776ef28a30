/** What became of a submit or a replay, as documents. Public interface; the schemas are in the contract. */
import {
  errorDocument,
  type ErrorDocument,
  type ReplayedDocument,
  type SubmittedDocument,
} from "@agentcore/contract";
import type { FailedReplay, Replayed } from "../submit/dead-letters.ts";
import type { SubmitOutcome } from "../submit/queue-client.ts";

export function submitDocument(outcome: SubmitOutcome): SubmittedDocument | ErrorDocument {
  if (!outcome.ok) return errorDocument(outcome.error);
  const { id, deduplicated } = outcome.handle;
  return { type: "submitted", id, deduplicated };
}

export const replayedDocument = (replayed: Replayed): ReplayedDocument => ({ type: "replayed", ...replayed });

export const failedReplayDocument = ({ deadJobId, error }: FailedReplay): ErrorDocument =>
  errorDocument(error, { deadJobId });
