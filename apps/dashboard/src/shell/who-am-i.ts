/** Asks the daemon who it is, and what a token may do. */
import type { VersionDocument } from "@agentcore/contract";
import { getWith } from "../api/call.ts";

/** Rejects with `ApiError` if the token is refused. */
export function tryToken(token: string): Promise<VersionDocument> {
  return getWith<VersionDocument>(token, "/v1/version");
}
