/**
 * Finds paths that leave the workspace through an existing symbolic link. Links that appear during the run are refused by
 * the step that meets them.
 */
import { ignore, isAgentCoreError } from "@agentcore/contract";
import { lstatSync } from "node:fs";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { placeholdersIn } from "../expression.ts";
import { pathInside } from "../places.ts";
import { listOf, rawOf, textOf, type Path, type Raw, type Report } from "@agentcore/yaml-file";
import type { RawSteps } from "./raw.ts";

/** `workspace`: the workflow's workspace, as a real path. */
export async function checkLinks(
  file: Raw,
  steps: RawSteps,
  workspace: string,
  report: Report,
): Promise<void> {
  const links = new LinksBelow(workspace);
  const found: { text: string; place: string; path: Path }[] = [];
  const note = (text: string | undefined, below: string, path: Path): void => {
    if (text === undefined) return;
    const own = placeOf(text);
    const place = own === null || below === "." ? own : join(below, own);
    if (place !== null && links.mayLeadThrough(place)) found.push({ text, place, path });
  };
  note(textOf(file["context_dir"]), ".", ["context_dir"]);
  for (const [id, step] of steps.byId) {
    const text = textOf(step["workspace"]) ?? ".";
    if (text !== ".") note(text, ".", steps.pathOf(id, "workspace"));
    const own = placeOf(text);
    if (own === null || (links.mayLeadThrough(own) && !(await staysInside(workspace, own)))) continue;
    for (const [index, output] of listOf(step["outputs"]).entries()) {
      note(textOf(rawOf(output)["path"]), own, steps.pathOf(id, "outputs", index, "path"));
    }
    const decisionFile = textOf(rawOf(step["completion_check"])["decision_file"]);
    note(decisionFile, own, steps.pathOf(id, "completion_check", "decision_file"));
  }
  for (const { text, place, path } of found) {
    if (!(await staysInside(workspace, place)))
      report(path, `"${text}" leaves the workspace ${workspace} by a symbolic link`);
  }
}

/** Null if the text of the path is an error, or is not known yet. */
function placeOf(text: string): string | null {
  if (isAbsolute(text) || placeholdersIn(text).length > 0) return null;
  const place = normalize(text).replace(/\/$/, "");
  return place === ".." || place.startsWith("../") ? null : place;
}

/** Finds the paths of a directory that lead through links. Checks each part once, since thousands of steps name the same few. */
class LinksBelow {
  readonly #directory: string;
  readonly #found = new Map<string, "link" | "missing" | "plain">();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** `path`: normalized, and inside by its text. False means that it certainly leads through no link. */
  mayLeadThrough(path: string): boolean {
    return this.#at(path) === "link";
  }

  #at(path: string): "link" | "missing" | "plain" {
    if (path === "." || path === "") return "plain";
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const above = this.#at(dirname(path));
    // Below a link, or below a missing directory, nothing needs to be checked.
    if (above !== "plain") return above;
    const found = this.#look(path);
    this.#found.set(path, found);
    return found;
  }

  #look(path: string): "link" | "missing" | "plain" {
    try {
      const stats = lstatSync(join(this.#directory, path), { throwIfNoEntry: false });
      if (stats === undefined) return "missing";
      return stats.isSymbolicLink() ? "link" : "plain";
    } catch (error) {
      ignore(error, "the look at the whole path tells what is wrong with it");
      return "link";
    }
  }
}

async function staysInside(workspace: string, path: string): Promise<boolean> {
  try {
    await pathInside(workspace, path);
    return true;
  } catch (error) {
    if (isAgentCoreError(error) && error.code === "AC_WORKFLOW_PATH") return false;
    throw error;
  }
}
