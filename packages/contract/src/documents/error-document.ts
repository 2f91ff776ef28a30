/** An error as a document, in the words of the command line: the API has the same readers. */
import { cureOf } from "../cures.ts";
import type { AgentCoreError } from "../errors.ts";
import type { ErrorDocument } from "./job-documents.ts";

/** `facts`: more evidence. */
export const errorDocument = (
  { code, message, evidence }: AgentCoreError,
  facts: Readonly<Record<string, string>> = {},
): ErrorDocument => ({
  type: "error",
  code,
  message,
  cure: cureOf(code, "command line"),
  evidence: { ...evidence, ...facts },
});
