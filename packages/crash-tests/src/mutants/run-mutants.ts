/** Plants each bug by itself in a copy of the workspace, and sees whether the test that it names fails. */
import { plant } from "./plant.ts";
import { plantedBugs, type PlantedBug } from "./planted-bugs.ts";
import { WorkspaceCopy } from "./workspace-copy.ts";

export interface MutantRow {
  readonly bug: PlantedBug;
  readonly outcome:
    /** The test passes without the bug and fails with it. */
    | "caught"
    | "not caught"
    /** The test fails without the bug too, or does not run: it shows nothing. */
    | "shows nothing";
  /** What there is to say where it was not caught. */
  readonly detail: string;
}

/** Calls back with each row as soon as it is known. */
export async function runMutants(onRow: (row: MutantRow) => void): Promise<readonly MutantRow[]> {
  const copy = new WorkspaceCopy();
  const rows: MutantRow[] = [];
  try {
    for (const bug of plantedBugs) {
      const row = await runMutant(copy, bug);
      rows.push(row);
      onRow(row);
    }
  } finally {
    copy.remove();
  }
  return rows;
}

async function runMutant(copy: WorkspaceCopy, bug: PlantedBug): Promise<MutantRow> {
  const { file, test } = bug.caughtBy;
  const sound = await copy.runTests(file, test);
  if (sound.passed.length === 0 || sound.failed.length > 0 || sound.problem !== null) {
    const detail = sound.problem ?? `passed ${sound.passed.length}, failed ${sound.failed.join("; ")}`;
    return { bug, outcome: "shows nothing", detail };
  }
  const run = () => copy.runTests(file, test);
  const ill = await copy.withChanged(bug.file, (source) => plant(source, bug), run);
  if (ill.problem !== null) return { bug, outcome: "shows nothing", detail: ill.problem };
  return { bug, outcome: ill.failed.length > 0 ? "caught" : "not caught", detail: "" };
}

export function mutantLine({ bug, outcome, detail }: MutantRow): string {
  const { file, test } = bug.caughtBy;
  const line = `${bug.name.padEnd(30)}${outcome.padEnd(15)}${file}: ${test}`;
  return detail === "" ? line : `${line}\n  ${detail}`;
}
