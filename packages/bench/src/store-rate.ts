/** How fast something goes, by the clock and by the processor time it takes: a busy machine changes the first more. */

import { median, type Report } from "./report.ts";

export interface Rate {
  readonly perSecond: number;
  /** Processor time of this process for each job, in µs. */
  readonly cpuUs: number;
}

export async function rateOf(jobs: number, work: () => unknown): Promise<Rate> {
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: (jobs * 1000) / (performance.now() - startedAt), cpuUs: (user + system) / jobs };
}

/** One line for both: medians of ours and of the floor, which took turns. */
export function reportRates(
  report: Report,
  name: string,
  [ours, floors]: readonly [readonly Rate[], readonly Rate[]],
  aim?: number,
): void {
  const value = median(ours.map(({ perSecond }) => perSecond));
  const floor = median(floors.map(({ perSecond }) => perSecond));
  const [cpuUs, floorCpuUs] = [ours, floors].map((rates) => median(rates.map((rate) => rate.cpuUs))) as [
    number,
    number,
  ];
  const cpu = `processor ${cpuUs.toFixed(1)} µs a job, floor ${floorCpuUs.toFixed(1)}`;
  const compared = `floor ${whole(floor)}, ratio ${ratio(value, floor)}; ${cpu}`;
  report({
    name: `store: ${name}`,
    value,
    unit: "jobs/s",
    note: aim === undefined ? compared : `aim > ${whole(aim)}; ${compared}`,
  });
}
export const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
export const ratio = (value: number, to: number): string => (value / to).toFixed(2);
