/**
 * `agentcore __complete WHAT`: the words that completion scripts offer, one a line, each with a tab and a description. Prints
 * nothing where they cannot be known: a completion has no place for an error.
 */
import { ignore } from "@agentcore/contract";
import { workerNames } from "../adapters.ts";
import { openClient } from "../target/open-client.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { lastWord } from "../queue/id-words.ts";
import { loadOptionsConfig, withStores } from "../queue/open-queue.ts";
import { shortId } from "../screen/short-id.ts";
import { cut, oneLine } from "../screen/text.ts";
import { withTarget } from "../target/open-target.ts";

const wordsMax = 50;
const aboutColumns = 50;

type Word = readonly [word: string, about: string];

export async function completeWords(what: string, io: Io): Promise<number> {
  const quiet = { ...io, stderr: { ...io.stderr, write: () => {} } };
  try {
    for (const [word, about] of await wordsOf(what, quiet))
      io.stdout.write(`${oneLine(word)}\t${cut(oneLine(about), aboutColumns)}\n`);
  } catch (error) {
    ignore(error, "nothing is offered");
  }
  return exitCodes.succeeded;
}

async function wordsOf(what: string, io: Io): Promise<readonly Word[]> {
  switch (what) {
    case "jobs":
      return [[lastWord, "the newest job"], ...(await jobWords(false, io))];
    case "dead":
      return jobWords(true, io);
    case "runs":
      return [[lastWord, "the newest run"], ...(await runWords(io))];
    case "workers":
      return workerNames(await loadOptionsConfig({}, io)).map((name): Word => [name, "worker"]);
    case "triggers":
      return triggerWords(io);
    case "tokens":
      return tokenWords(io);
    default:
      return [];
  }
}

async function jobWords(dead: boolean, io: Io): Promise<readonly Word[]> {
  return withTarget({}, io, async (target) => {
    const { jobs } = await (dead
      ? target.deadLetters.list({ limit: wordsMax })
      : target.jobs.list({ notPieces: true, limit: wordsMax }));
    return jobs.map(({ id, state, instructions }): Word => [shortId(id), `${state}: ${instructions}`]);
  });
}

async function runWords(io: Io): Promise<readonly Word[]> {
  return withTarget({}, io, async ({ runs }) => {
    const listed = await runs.list({ limit: wordsMax });
    return listed.map(({ id, state, name }): Word => [shortId(id), `${state}: ${JSON.stringify(name)}`]);
  });
}

async function triggerWords(io: Io): Promise<readonly Word[]> {
  const { items } = await (await openClient({}, io)).listTriggers();
  return items.map(({ id, state, on }): Word => [id, `${state}, on ${on}`]);
}

async function tokenWords(io: Io): Promise<readonly Word[]> {
  return withStores({}, io, async (stores) => {
    const tokens = await stores.tokens.list();
    return tokens.map(({ id, name, scope }): Word => [shortId(id), `${scope}: ${name}`]);
  });
}
