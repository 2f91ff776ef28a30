/** Lines: what a claim takes or excludes alike. */
import type { Job, Priority } from "@agentcore/contract";
import type { ClaimFilter } from "@agentcore/scheduler";

export interface Line {
  readonly tenant: string;
  readonly worker: string;
  readonly model: string | null;
  readonly class: Priority["class"];
}

/** The text under which a line is stored; `''` stands for no tenant. */
export function lineOf({ task, context, priority }: Job): string {
  return JSON.stringify([context.tenant ?? "", task.worker, task.model ?? null, priority.class]);
}

/** Lines already taken apart: there are few, and each claim sees them again. */
const parsedLines = new Map<string, Line>();
const parsedLinesMax = 1000;

export function parseLine(line: string): Line {
  const known = parsedLines.get(line);
  if (known !== undefined) return known;
  const [tenant, worker, model, priorityClass] = JSON.parse(line) as [
    string,
    string,
    string | null,
    Priority["class"],
  ];
  const parsed = { tenant, worker, model, class: priorityClass };
  if (parsedLines.size >= parsedLinesMax) parsedLines.clear();
  parsedLines.set(line, parsed);
  return parsed;
}

export function isExcluded(line: Line, { workers, models, tenants, classes }: ClaimFilter): boolean {
  return (
    workers.includes(line.worker) ||
    tenants.includes(line.tenant) ||
    classes.includes(line.class) ||
    models.some(({ worker, model }) => worker === line.worker && model === line.model)
  );
}
