/**
 * The record of one run, backed by the journal: an entry takes effect only when it is durable. A writer that finds entries
 * of another process in the journal stops, with `AC_WORKFLOW_TAKEN`.
 */
import { AgentCoreError, assert } from "@agentcore/contract";
import type { JournalValue, JournalWrite } from "@agentcore/scheduler";
import type { Workflow } from "../definition.ts";
import type { PlanStep } from "../plan/plan-step.ts";
import { readRecord, type RunEntries } from "./run-entry.ts";
import type { RunPorts } from "../run-ports.ts";
import { foldEntry, headerOf, newRecord, type RecordDraft, type RunRecord } from "./run-record.ts";
import type { RunCreated, RunEntry } from "./entry-types.ts";

export interface RunLogOptions {
  readonly stream: string;
  readonly workflow: Workflow;
  /** In the order of the file. */
  readonly steps: readonly PlanStep[];
  readonly owner: JournalValue;
}

export type CommitEntries = (
  write: JournalWrite,
  entries: readonly RunEntry[],
) => Promise<"appended" | "conflict">;

export class RunLog {
  readonly #journal: RunPorts["journal"];
  readonly #options: RunLogOptions;
  readonly #record: RecordDraft;
  /** Entries that are durable. */
  #written: number;

  private constructor(journal: RunPorts["journal"], options: RunLogOptions, record: RecordDraft) {
    this.#journal = journal;
    this.#options = options;
    this.#record = record;
    this.#written = record.length;
  }

  /** `first`: entries in the same commit. */
  static async create(
    journal: RunPorts["journal"],
    options: RunLogOptions,
    created: RunCreated,
    first: readonly RunEntry[] = [],
  ): Promise<RunLog> {
    const record = newRecord(options.steps, created);
    for (const entry of first) foldEntry(record, entry);
    const header = headerOf(options.workflow, record, options.owner);
    const entries = [created, ...first].map(asJson);
    const answer = await journal.append(options.stream, { after: 0, entries, header });
    if (answer === "conflict") throw streamTaken(options.stream);
    return new RunLog(journal, options, record);
  }

  /** Opens the run from its journal. */
  static open(journal: RunPorts["journal"], options: RunLogOptions, stored: RunEntries): RunLog {
    return new RunLog(journal, options, readRecord(options.stream, options.steps, stored));
  }

  /** Changes in place. During `append` it includes the entries being appended, because they decide what follows. */
  get record(): RunRecord {
    return this.#record;
  }

  /**
   * Resolves once the entries are durable. The entries that `follows` returns, and those that follow from them in turn, are in
   * the same commit, which `commit` performs (default: an append to the journal). Writes nothing if there are no entries. Nothing
   * may be appended after it rejects.
   */
  async append(
    happened: readonly RunEntry[],
    follows: () => readonly RunEntry[] = () => [],
    commit: CommitEntries = (write) => this.#journal.append(write.stream, write),
  ): Promise<readonly RunEntry[]> {
    const { stream, workflow, owner } = this.#options;
    assert(this.#written === this.#record.length, `${stream} goes on after an append that failed`);
    const entries: RunEntry[] = [];
    const fold = (added: readonly RunEntry[]): void => {
      for (const entry of added) {
        foldEntry(this.#record, entry);
        entries.push(entry);
      }
    };
    fold(happened);
    for (let next = follows(); next.length > 0; next = follows()) fold(next);
    if (entries.length === 0) return entries;
    const header = headerOf(workflow, this.#record, owner);
    const write = { stream, after: this.#written, entries: entries.map(asJson), header };
    const answer = await commit(write, entries);
    if (answer === "conflict") throw streamTaken(stream);
    this.#written += entries.length;
    return entries;
  }
}

/** Entries contain only JSON values. */
function asJson(entry: RunEntry): JournalValue {
  return entry as unknown as JournalValue;
}

export function streamTaken(stream: string): AgentCoreError {
  return new AgentCoreError("AC_WORKFLOW_TAKEN", `another process writes to ${stream}; this one stops`, {
    evidence: { stream },
  });
}
