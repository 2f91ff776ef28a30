/** Names of the journal's streams: one for each run that a user started, and one for each run that is a step of another run. */

export const runStream = (runId: string): string => `workflow:${runId}`;
export const childStream = (runId: string): string => `workflow-child:${runId}`;

export function streamOf({ parent }: { readonly parent: string | null }, runId: string): string {
  return parent === null ? runStream(runId) : childStream(runId);
}
