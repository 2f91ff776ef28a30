/**
 * OpenCode's own log, which it prints to stderr under `--print-logs`. Of a request that failed and is asked again it says
 * nothing on stdout; here there is one line each time, with the provider's words but not its status.
 */
import { stripVTControlCharacters } from "node:util";

/** How the log's lines begin, whatever their level. */
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
    // Not quite JSON's escapes: the words are what matters.
    return quoted.slice(1, -1);
  }
}
