/** Warnings about instructions that cannot do what they say: a placeholder without an end, a file for values that is not there. */
import { placeholdersOf } from "../placeholder.ts";
import { valuesOf } from "./check-graph.ts";
import { rawOf, textOf, type Path, type Raw, type Report } from "@agentcore/yaml-file";
import type { RawSteps } from "./raw.ts";

export function checkScripts({ byId, pathOf }: RawSteps, warning: Report): void {
  for (const [id, step] of byId) {
    const check = rawOf(step["completion_check"]);
    checkEnds(step["instructions"], pathOf(id, "instructions"), warning);
    checkEnds(step["verify"], pathOf(id, "verify"), warning);
    checkEnds(check["instructions"], pathOf(id, "completion_check", "instructions"), warning);
    checkValuesFile(step, pathOf(id, "instructions"), warning);
  }
}

/** Such a placeholder stays in the text as it is. */
function checkEnds(value: unknown, path: Path, warning: Report): void {
  const text = textOf(value) ?? "";
  const from = placeholdersOf(text).at(-1)?.end ?? 0;
  if (text.includes("${{", from)) warning(path, "a ${{ has no }} after it, so it stands for no value");
}

const ownFile = /\$\{?AGENTCORE_OUTPUT\b/;
const foreignFile = /\$\{?(GITHUB_OUTPUT|GITHUB_ENV)\b/;

function checkValuesFile(step: Raw, path: Path, warning: Report): void {
  const text = textOf(step["instructions"]) ?? "";
  const declares = "declare each value: outputs: [{ name: NAME, value: true }]";
  const foreign = foreignFile.exec(text)?.[1];
  if (foreign !== undefined)
    warning(path, `there is no $${foreign}; write to $AGENTCORE_OUTPUT, and ${declares}`);
  else if (ownFile.test(text) && valuesOf(step).length === 0)
    warning(path, `the step has no $AGENTCORE_OUTPUT, because it declares no value; ${declares}`);
}
