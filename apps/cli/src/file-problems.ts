/** The error of a file with mistakes. */
import { AgentCoreError, type ErrorCode } from "@agentcore/contract";
import { formatProblem, type Problem } from "@agentcore/yaml-file";

/** With a line for each mistake. */
export function fileProblems(code: ErrorCode, problems: readonly Problem[]): AgentCoreError {
  return new AgentCoreError(code, problems.map(formatProblem).join("\n"), {
    evidence: { problems: problems.map((problem) => ({ ...problem })) },
  });
}
