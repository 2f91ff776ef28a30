/** A JSON value that is given as an argument, or on stdin. */
import { AgentCoreError, errorText, type EmitRequest } from "@agentcore/contract";
import type { Io } from "../io.ts";
import { readAll } from "./job-from-options.ts";

type Payload = EmitRequest["payload"];

/** The API takes no larger request. */
const bytesMax = 1024 * 1024;

/** `-`: all of stdin. Throws `AC_USAGE` if it is not JSON, and `AC_EVENT_INVALID` if stdin has more than 1 MiB. */
export async function readJson(argument: string, io: Pick<Io, "stdin">): Promise<Payload> {
  const limit = { of: "an event", code: "AC_EVENT_INVALID" } as const;
  const text = argument === "-" ? await readAll(io, bytesMax, limit) : argument;
  try {
    return JSON.parse(text) as Payload;
  } catch (error) {
    const what = argument === "-" ? "stdin" : JSON.stringify(text.slice(0, 100));
    throw new AgentCoreError(
      "AC_USAGE",
      `${what} is not JSON: ${errorText(error)}; quote it for the shell, such as '{"name": "value"}'`,
    );
  }
}
