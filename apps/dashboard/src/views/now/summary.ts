/** The first screen in one sentence, which screen readers say when it changes. */
import type { Overview } from "./now-view.tsx";

type Facts = Pick<Overview, "queue" | "runs" | "attention" | "name">;

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** A pause is shown with what is held back. */
export const needing = (attention: Overview["attention"]): Overview["attention"] =>
  attention.filter(({ kind }) => kind !== "trigger_paused");

export function summaryText({ queue, runs, attention }: Facts): string {
  const waiting = queue.ready + queue.delayed;
  const parts = [
    `${counted(queue.running, "job")} ${queue.running === 1 ? "runs" : "run"}`,
    `${waiting} ${waiting === 1 ? "waits" : "wait"}`,
    ...(runs.length === 0 ? [] : [`${counted(runs.length, "workflow run goes", "workflow runs go")} on`]),
  ];
  const needs = needing(attention).length;
  const end = needs === 0 ? "Nothing needs you." : `${counted(needs, "thing needs", "things need")} you.`;
  return `${parts.join(", ")}. ${end}`;
}
