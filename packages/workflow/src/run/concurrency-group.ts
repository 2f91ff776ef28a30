/**
 * Lets at most one run of a concurrency group work in a state directory, across processes, in the order of arrival. The queue of a
 * group is the header of one stream of the journal. A process that is gone has no place in it, so it needs no clean end.
 */
import { AgentCoreError, sleep, type Clock, type Ids, type Log } from "@agentcore/contract";
import type { Journal, JournalHeader, JournalValue } from "@agentcore/scheduler";
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ConcurrencyGroup } from "../definition.ts";
import { fillIn } from "../expression.ts";
import { inputLookup, type InputValues } from "../inputs.ts";
import { requestCancel } from "./requests.ts";

export interface GroupPorts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

export interface GroupMember {
  readonly run: string;
  /** The process that works on the run. */
  readonly owner: JournalValue;
  /** Whether a process may still be there. */
  readonly isAlive: (owner: JournalValue) => boolean;
}

interface Place {
  readonly run: string;
  readonly ticket: string;
  readonly owner: JournalValue;
}

interface Queue {
  readonly places: readonly Place[];
  /** Changes of the queue so far. */
  readonly length: number;
}

const lookMs = 250;
const triesMax = 100;
const retryMs = 20;

/** Tickets of this process. Only it knows that one of its places was given up while the store took no write. */
const heldHere = new Set<string>();

/** The place of a run in the queue of its group. */
export class GroupPlace {
  readonly name: string;
  readonly #ports: GroupPorts;
  readonly #member: GroupMember;
  readonly #ticket: string;

  private constructor(ports: GroupPorts, name: string, member: GroupMember) {
    this.#ports = ports;
    this.name = name;
    this.#member = member;
    this.#ticket = ports.ids.next();
  }

  /**
   * Takes a place at the end. Throws `AC_WORKFLOW_TAKEN` if the run has one already: it must not lose that to somebody who then
   * finds the run at work. Throws `AC_WORKFLOW_BUSY` with `when_busy: fail` if another run has one. `group.name`: filled in.
   */
  static async take(ports: GroupPorts, group: ConcurrencyGroup, member: GroupMember): Promise<GroupPlace> {
    const place = new GroupPlace(ports, group.name, member);
    const own: Place = { run: member.run, ticket: place.#ticket, owner: member.owner };
    let others: readonly Place[] = [];
    heldHere.add(place.#ticket);
    try {
      await place.#change((places) => {
        others = place.#alive(places).filter(({ ticket }) => ticket !== place.#ticket);
        if (others.some(({ run }) => run === member.run)) throw taken(member.run);
        const [first] = others;
        if (first !== undefined && group.whenBusy === "fail") throw busy(group.name, first.run);
        return [...others, own];
      });
    } catch (error) {
      heldHere.delete(place.#ticket);
      throw error;
    }
    if (group.whenBusy !== "cancel_other") return place;
    const message = `cancelled for run ${member.run} of the concurrency group "${group.name}"`;
    // The run at work last: its end lets the next one in, which then knows that it is cancelled, too.
    for (const { run } of others.toReversed())
      await requestCancel(ports.journal, run, { at: ports.clock.now(), message });
    return place;
  }

  /** The run that works now; null if it is this one. */
  async holder(): Promise<string | null> {
    const { places } = await this.#read();
    const [first] = this.#alive(places);
    return first === undefined || first.ticket === this.#ticket ? null : first.run;
  }

  /** Resolves with true when it is this run's turn, or with false once `gaveUp` is true. */
  async turn(gaveUp: () => boolean): Promise<boolean> {
    while (!gaveUp()) {
      if ((await this.holder()) === null) return true;
      await sleep(this.#ports.clock, lookMs);
    }
    return false;
  }

  /** Never rejects: a place that could not be given up ends with the process, or when another run of it looks for a place. */
  async leave(): Promise<void> {
    heldHere.delete(this.#ticket);
    try {
      await this.#change((places) => places.filter(({ ticket }) => ticket !== this.#ticket));
    } catch (error) {
      this.#ports.log.warn(
        { error, group: this.name },
        "the place in the concurrency group could not be left",
      );
    }
  }

  #alive(places: readonly Place[]): readonly Place[] {
    const isGivenUp = ({ owner, ticket }: Place): boolean =>
      isDeepStrictEqual(owner, this.#member.owner) && !heldHere.has(ticket);
    return places.filter(
      (place) => place.ticket === this.#ticket || (this.#member.isAlive(place.owner) && !isGivenUp(place)),
    );
  }

  async #change(next: (places: readonly Place[]) => readonly Place[]): Promise<void> {
    const { journal, clock } = this.#ports;
    for (let tries = 0; tries < triesMax; tries++) {
      const { places, length } = await this.#read();
      const changed = next(places);
      const at = clock.now();
      const header: JournalHeader = {
        group: this.name,
        places: changed as unknown as JournalValue,
        partOf: null,
        endedAt: changed.length === 0 ? at : null,
      };
      const entries = [{ at, run: this.#member.run }];
      if ((await journal.append(streamOf(this.name), { after: length, entries, header })) === "appended")
        return;
      await sleep(clock, retryMs);
    }
    throw new AgentCoreError(
      "AC_STORE_UNAVAILABLE",
      `the concurrency group "${this.name}" changes too often`,
    );
  }

  /** Of the header alone: the stream has an entry for each change. */
  async #read(): Promise<Queue> {
    const [found] = await this.#ports.journal.list({ prefix: streamOf(this.name), limit: 1 });
    if (found === undefined) return { places: [], length: 0 };
    return { places: (found.header["places"] ?? []) as unknown as readonly Place[], length: found.length };
  }
}

/** The name with its inputs. */
export function groupName({ name }: ConcurrencyGroup, inputs: InputValues): string {
  return fillIn(name, inputLookup(inputs));
}

/** No name of a stream begins with another. */
function streamOf(name: string): string {
  return `workflow-group:${createHash("sha256").update(name).digest("hex")}`;
}

function taken(run: string): AgentCoreError {
  const message = `another process, or another part of this one, works on run ${run}`;
  return new AgentCoreError("AC_WORKFLOW_TAKEN", message, { evidence: { run } });
}

function busy(name: string, run: string): AgentCoreError {
  const message = `run ${run} of the concurrency group "${name}" is at work`;
  return new AgentCoreError("AC_WORKFLOW_BUSY", message, { evidence: { group: name, run } });
}
