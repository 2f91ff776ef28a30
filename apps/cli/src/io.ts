/** What a command may touch of the process around it; tests of commands run real processes, so there is one implementation. */
import type { Readable } from "node:stream";
import type { Environment } from "./config/env-text.ts";
import type { ScreenStream } from "./screen/terminal.ts";

export interface Io {
  readonly stdin: Readable;
  readonly stdout: ScreenStream;
  readonly stderr: ScreenStream;
  readonly env: Environment;
  readonly cwd: string;
}

export const processIo = (): Io => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
});
