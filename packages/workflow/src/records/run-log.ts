/**
 * The record of one run with the journal behind it: every change is durable before anybody acts on it. A writer that finds
 * entries of somebody else in the journal stops, with `AC_WORKFLOW_TAKEN`.
 */
import { AgentCoreError } from "@agentcore/contract";
import type { JournalValue } from "@agentcore/scheduler";
import type { Workflow } from "../definition.ts";
import type { PlanStep } from "../plan/plan-step.ts";
import { readRecord, type RunEntries } from "./run-entry.ts";
import type { RunPorts } from "../run-ports.ts";
import {
  foldEntries,
  headerOf,
  newRecord,
  type RunCreated,
  type RunEntry,
  type RunRecord,
} from "./run-record.ts";

export interface RunLogOptions {
  readonly stream: string;
  readonly workflow: Workflow;
  readonly steps: ReadonlyMap<string, PlanStep>;
  readonly owner: JournalValue;
}

export class RunLog {
  readonly #journal: RunPorts["journal"];
  readonly #options: RunLogOptions;
  record: RunRecord;
  /** As it will be with what is being appended: what follows is decided by it. */
  foreseen: RunRecord;

  private constructor(journal: RunPorts["journal"], options: RunLogOptions, record: RunRecord) {
    this.#journal = journal;
    this.#options = options;
    this.record = record;
    this.foreseen = record;
  }

  static async create(
    journal: RunPorts["journal"],
    options: RunLogOptions,
    created: RunCreated,
  ): Promise<RunLog> {
    const record = newRecord([...options.steps.values()], created);
    const header = headerOf(options.workflow, record, options.owner);
    const answer = await journal.append(options.stream, { after: 0, entries: [asJson(created)], header });
    if (answer === "conflict") throw streamTaken(options.stream);
    return new RunLog(journal, options, record);
  }

  /** The run as its journal tells it. */
  static open(journal: RunPorts["journal"], options: RunLogOptions, stored: RunEntries): RunLog {
    return new RunLog(journal, options, readRecord(options.stream, options.steps, stored));
  }

  /**
   * Resolves once the entries are durable and in the record, with all that was appended: what `follows` says comes of them,
   * and of that again, goes into the same commit. Where there is nothing to append, nothing is written.
   */
  async append(
    happened: readonly RunEntry[],
    follows: (record: RunRecord) => readonly RunEntry[] = () => [],
  ): Promise<readonly RunEntry[]> {
    const { stream, workflow, owner } = this.#options;
    const entries = [...happened];
    this.foreseen = this.#folded(this.record, happened);
    for (let next = follows(this.foreseen); next.length > 0; next = follows(this.foreseen)) {
      entries.push(...next);
      this.foreseen = this.#folded(this.foreseen, next);
    }
    const record = this.foreseen;
    if (entries.length === 0) return entries;
    const answer = await this.#journal.append(stream, {
      after: this.record.length,
      entries: entries.map(asJson),
      header: headerOf(workflow, record, owner),
    });
    if (answer === "conflict") throw streamTaken(stream);
    this.record = record;
    return entries;
  }

  #folded(record: RunRecord, entries: readonly RunEntry[]): RunRecord {
    return entries.length === 0 ? record : foldEntries(this.#options.steps, record, entries);
  }
}

/** Entries are made of what JSON holds. */
function asJson(entry: RunEntry): JournalValue {
  return entry as unknown as JournalValue;
}

export function streamTaken(stream: string): AgentCoreError {
  return new AgentCoreError("AC_WORKFLOW_TAKEN", `another process writes to ${stream}; this one stops`, {
    evidence: { stream },
  });
}
