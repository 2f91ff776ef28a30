/**
 * Paths that leave the workspace by a symbolic link that is there already. Those that only come to be while the workflow
 * runs are refused by the step that meets them.
 */
import { isAgentCoreError } from "@agentcore/contract";
import { isAbsolute, join, normalize } from "node:path";
import { placeholdersIn } from "../expression.ts";
import { pathInside } from "../places.ts";
import { listOf, rawOf, textOf, type Path, type Raw, type RawSteps, type Report } from "./raw.ts";

/** `workspace`: of the workflow, a real path. */
export async function checkLinks(
  file: Raw,
  steps: RawSteps,
  workspace: string,
  report: Report,
): Promise<void> {
  const check = async (value: unknown, below: string, path: Path): Promise<void> => {
    const text = textOf(value);
    if (text === undefined || isToldElsewhere(text) || (await isInside(workspace, join(below, text)))) return;
    report(path, `"${text}" leaves the workspace ${workspace} by a symbolic link`);
  };
  await check(file["context_dir"], ".", ["context_dir"]);
  for (const [id, step] of steps.byId) {
    const path = ["steps", id];
    const own = textOf(step["workspace"]) ?? ".";
    await check(step["workspace"], ".", [...path, "workspace"]);
    if (isToldElsewhere(own) || !(await isInside(workspace, own))) continue;
    for (const [index, output] of listOf(step["outputs"]).entries())
      await check(rawOf(output)["path"], own, [...path, "outputs", index, "path"]);
    const decisionFile = rawOf(step["completion_check"])["decision_file"];
    await check(decisionFile, own, [...path, "completion_check", "decision_file"]);
  }
}

/** Such a path is a mistake by its text, or not known yet. */
function isToldElsewhere(text: string): boolean {
  return isAbsolute(text) || normalize(text).split("/")[0] === ".." || placeholdersIn(text).length > 0;
}

async function isInside(workspace: string, path: string): Promise<boolean> {
  try {
    await pathInside(workspace, path);
    return true;
  } catch (error) {
    if (isAgentCoreError(error) && error.code === "AC_WORKFLOW_PATH") return false;
    throw error;
  }
}
