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

/** Streams are made when they are first asked for: a run that reads no stdin need not open it. */
export const processIo = (): Io => ({
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  env: process.env,
  cwd: process.cwd(),
});
