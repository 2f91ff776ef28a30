/**
 * Reads OpenCode's log on stderr (`--print-logs`). On stdout OpenCode does not report a failed request that it retries; the
 * log has one line for each failure, with the provider's message but not its status.
 */
import { stripVTControlCharacters } from "node:util";

/** The start of a log line of any level. */
export function isLogLine(stderrLine: string): boolean {
  return /^timestamp=\S+ level=[A-Z]+ /.test(stderrLine);
}

/** Why a request of the main agent failed; null for any other line. Subagents' failures do not end the run. */
export function failedRequest(stderrLine: string): string | null {
  const head = stderrLine.slice(0, 8000);
  if (!isLogLine(head) || !head.includes(' message="stream error" ') || !head.includes(" mode=primary "))
    return null;
  const quoted = / error\.error=("(?:[^"\\]|\\.)*")/.exec(head)?.[1];
  if (quoted === undefined) return null;
  return stripVTControlCharacters(unquoted(quoted)).replace(/^AI_\w+: /, "");
}

function unquoted(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    // The escapes differ slightly from JSON; only the words matter.
    return quoted.slice(1, -1);
  }
}
