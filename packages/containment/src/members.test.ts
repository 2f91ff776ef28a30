import { expect, it } from "vitest";
import type { ProcessFact } from "@agentcore/contract";
import { selectMembers, type RunTraces } from "./members.ts";

/** pid, ppid, session, startTicks */
function processes(...rows: [number, number, number, number][]): ProcessFact[] {
  return rows.map(([pid, ppid, session, startTicks]) => ({
    pid,
    ppid,
    session,
    startTicks,
    state: "S",
    name: "p",
  }));
}

const nothing: RunTraces = {
  known: [],
  leader: null,
  cgroupPids: new Set(),
  marked: new Set(),
  ownSession: 10,
};
const payload = { pid: 100, startTicks: 500 };

it.each<[string, Partial<RunTraces>, ProcessFact[], number[]]>([
  ["nobody without a trace", {}, processes([100, 1, 100, 500]), []],
  ["the payload itself", { known: [payload] }, processes([100, 10, 100, 500]), [100]],
  ["not a stranger with the payload's pid", { known: [payload] }, processes([100, 10, 100, 501]), []],
  [
    "children, and children's children, in other sessions too",
    { known: [payload] },
    processes([100, 10, 100, 500], [101, 100, 101, 510], [102, 101, 101, 511], [103, 102, 103, 512]),
    [100, 101, 102, 103],
  ],
  [
    "who carries the marker",
    { marked: new Set([300]) },
    processes([300, 1, 300, 600], [301, 1, 301, 600]),
    [300],
  ],
  ["who is in the cgroup", { cgroupPids: new Set([300]) }, processes([300, 1, 300, 600]), [300]],
  [
    "who shares a session with somebody marked",
    { marked: new Set([300]) },
    processes([300, 1, 299, 600], [302, 1, 299, 601]),
    [300, 302],
  ],
  [
    "who is left in the payload's session when the payload is gone",
    { leader: payload },
    processes([150, 1, 100, 520]),
    [150],
  ],
  [
    "nobody of a session that took over the payload's number",
    { leader: payload },
    processes([100, 1, 100, 900], [151, 100, 100, 910]),
    [],
  ],
  [
    "nobody merely for sharing our own session",
    { marked: new Set([300]) },
    processes([300, 1, 10, 600], [11, 1, 10, 601]),
    [300],
  ],
])("takes %s", (_, traces, candidates, expected) => {
  const members = selectMembers(candidates, { ...nothing, ...traces });
  expect(members.map((fact) => fact.pid).sort((a, b) => a - b)).toEqual(expected);
});
