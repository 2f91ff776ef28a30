/** Checks `{{ … }}` in instructions and keys: an unknown one would stay as it is written. */
import { didYouMean, type Path, type Report } from "@agentcore/yaml-file";
import { placeholdersOf, type TemplatePlaceholder } from "../template/placeholder.ts";
import { structured, templateVariables } from "../template/variables.ts";

export type TemplatePlace = keyof typeof templateVariables;

/** Where errors and warnings go. */
export interface Reports {
  readonly mistake: Report;
  readonly warning: Report;
}

export function checkTemplate(text: string, place: TemplatePlace, path: Path, reports: Reports): void {
  const known: readonly string[] = templateVariables[place];
  for (const placeholder of placeholdersOf(text)) {
    const problem = problemOf(placeholder, known);
    const shown = `{{${placeholder.path.join(".")}}}`;
    if (text[placeholder.start - 1] === "$") reports.mistake(path, `write ${shown} without the $ before it`);
    else if (problem === null) continue;
    // A key with a name that stays as it is would be the same for all events.
    else if (place === "key") reports.mistake(path, `${shown}: ${problem}`);
    else reports.warning(path, `${shown} stays as it is: ${problem}`);
  }
}

function problemOf({ path }: TemplatePlaceholder, known: readonly string[]): string | null {
  const [root = "", ...fields] = path;
  if (!known.includes(root)) {
    const meant = didYouMean(root, known);
    return `there is no ${root} here${meant === "" ? `; available: ${known.join(", ")}` : meant}`;
  }
  return fields.length > 0 && !structured.has(root) ? `${root} has no fields` : null;
}
