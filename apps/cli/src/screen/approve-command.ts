import { shortId } from "./short-id.ts";

/** The command that approves a step, for people to copy. */
export function approveCommand(run: string, step: string): string {
  return `agentcore workflow approve ${shortId(run)} ${/^[\w./-]+$/.test(step) ? step : `'${step}'`}`;
}
