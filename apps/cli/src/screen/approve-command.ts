/** The command that approves a step of a run, for people to copy. */
import { shortId } from "./short-id.ts";

export function approveCommand(run: string, step: string): string {
  return `agentcore workflow approve ${shortId(run)} ${/^[\w./-]+$/.test(step) ? step : `'${step}'`}`;
}
