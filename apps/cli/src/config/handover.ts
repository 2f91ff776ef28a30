/**
 * Passes a process's configuration to the runtime that it starts: content and trust decision together, through a pipe at
 * descriptor 3. The runtime must not read the file again: it may have changed, and a found file would then count as named.
 */
import { AgentCoreError, lazySchema } from "@agentcore/contract";
import { readFileSync } from "node:fs";
import * as z from "zod";
import type { Io } from "../io.ts";
import { noConfig, readConfig, type ConfigSource, type LoadedConfig } from "./load.ts";

const handoverDescriptor = 3;

const handoverSchema = lazySchema(() =>
  z
    .object({
      path: z.string(),
      text: z.string(),
      standing: z.enum(["named", "trusted", "untrusted"]),
    })
    .nullable(),
);

export function handoverOf({ source }: LoadedConfig): string {
  return JSON.stringify(source);
}

/** The configuration that the parent process handed over. */
export async function readHandedConfig(io: Pick<Io, "cwd" | "env">): Promise<LoadedConfig> {
  let source: ConfigSource | null;
  try {
    source = handoverSchema.parse(JSON.parse(readFileSync(handoverDescriptor, "utf8")));
  } catch (error) {
    throw new AgentCoreError("AC_USAGE", "there is no configuration at file descriptor 3", {
      cause: error,
    });
  }
  return source === null ? noConfig() : readConfig(source, io);
}
