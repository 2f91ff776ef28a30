/**
 * Starts a model server from the command line: `node main.ts SCRIPT.json [--port N]`. The file holds a list of turns,
 * which every key is served from its beginning. Prints the address and one line per request; ends on SIGINT or SIGTERM.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { turnsSchema, type Turn } from "./script.ts";
import { startModelServer } from "./server.ts";

const usage = "usage: node packages/model-server/src/main.ts SCRIPT.json [--port N]";

/** The port and turns to serve, or the message that says what is wrong with the arguments. */
async function readArguments(
  args: readonly string[],
): Promise<{ port: number; turns: readonly Turn[] } | string> {
  try {
    const parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { port: { type: "string" } },
    });
    const file = parsed.positionals[0];
    const port = Number(parsed.values.port ?? 0);
    if (file === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) return usage;
    const turns = turnsSchema.safeParse(JSON.parse(await readFile(file, "utf8")));
    return turns.success
      ? { port, turns: turns.data }
      : `${file} is no script:\n${z.prettifyError(turns.error)}`;
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${usage}`;
  }
}

const settings = await readArguments(process.argv.slice(2));
if (typeof settings === "string") {
  console.error(settings);
  process.exitCode = 2;
} else {
  const { port, turns } = settings;
  const server = await startModelServer({
    port,
    script: turns,
    onRequest: (request) => {
      const offered = `${request.messages.length} messages, ${request.tools.length} tools`;
      console.log(`${request.protocol}: model ${request.model}, key "${request.key}", ${offered}`);
    },
  });
  console.log(`model server on ${server.url} (OpenAI clients: ${server.url}/v1)`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.close());
}
