/** What a line of the log about a permit says: the attempt that it is for, and its workflow run and trace, if it has some. */
import { omitUndefined, type PermitRequest } from "@agentcore/contract";

export function aboutPermit({ id, request }: { readonly id: string; readonly request: PermitRequest }) {
  const { jobId: job, attempt, run, trace } = request;
  return { permitId: id, job, attempt, ...omitUndefined({ run, trace }) };
}
