/** One contender in a process of its own, which stays: the first time that it does something it is cold, afterwards warm. */
import { contenders } from "./contenders.ts";
import { type Contender, Unavailable } from "./contender.ts";
import { type Figure, phases } from "./phases.ts";

export interface Asked {
  readonly phase: keyof typeof phases;
  readonly jobs: number;
}

export type Answer = { readonly figures: readonly Figure[] } | { readonly unavailable: string };

const name = process.argv[2];
const found = contenders.find((contender) => contender.name === name);
if (found === undefined) throw new RangeError(`no contender ${name}`);

async function answerTo(contender: Contender, { phase, jobs }: Asked): Promise<Answer> {
  try {
    const queue = await contender.open();
    try {
      return { figures: await phases[phase](queue, jobs) };
    } finally {
      await queue.close();
    }
  } catch (error) {
    if (error instanceof Unavailable) return { unavailable: error.message };
    throw error;
  }
}

process.on("message", (asked: Asked) => {
  void answerTo(found, asked).then((answer) => process.send?.(answer));
});
