/** Whether a followed run goes on. */
import type { Target } from "./target.ts";

/** A daemon that starts again resumes its runs: so many looks in a row at an interrupted run mean that nobody resumes it. */
const looksMax = 20;

/** Returns a function that is given the state at each look. */
export function goesOn({ daemon }: Pick<Target, "daemon">): (state: string | undefined) => boolean {
  let interrupted = 0;
  return (state) => {
    interrupted = state === "INTERRUPTED" ? interrupted + 1 : 0;
    return state === "RUNNING" || (daemon !== null && interrupted > 0 && interrupted < looksMax);
  };
}
