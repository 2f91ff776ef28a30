/** What a runner is created with, and the limits it keeps. Each limit has a default, listed in `README.md`. */
import type { Containment, RunLimits } from "@agentcore/containment";
import type { Clock, Ids } from "@agentcore/contract";
import { lineCharsMax } from "./line-framer.ts";
import type { OwnPrices } from "./prices.ts";
import { logBytesMaxDefault } from "./runner/output-log.ts";

export interface RunnerLimits {
  /** Longest line handed to an adapter whole; of a longer one it gets the first part. Default 8 Mi characters. */
  readonly lineCharsMax: number;
  /** Kept on disk of each of stdout and stderr. Default 1 GiB. */
  readonly logBytesMax: number;
  /** From the first TERM to KILL. Default 5,000. */
  readonly graceMs: number;
  /** From the first TERM to the second. Default 2,000. */
  readonly secondTermAfterMs: number;
  /** How long a stream that something outside the container still holds may be quiet before it is given up. Default 500. */
  readonly drainQuietMs: number;
  /** Files and directories compared in a workspace that is no git repository. Default 20,000. */
  readonly snapshotEntriesMax: number;
  /** For git to compare the workspace, before and after the run each. Default 30,000. */
  readonly gitTimeoutMs: number;
  /** Largest file that git may write while comparing, and so the largest patch. Default 256 MiB. */
  readonly patchBytesMax: number;
  /** Largest declared output that is copied. Default 1 GiB. */
  readonly outputBytesMax: number;
  /** Commands kept as observations. Default 10,000. */
  readonly commandsMax: number;
}

export const defaultRunnerLimits: RunnerLimits = {
  lineCharsMax,
  logBytesMax: logBytesMaxDefault,
  graceMs: 5000,
  secondTermAfterMs: 2000,
  drainQuietMs: 500,
  snapshotEntriesMax: 20_000,
  gitTimeoutMs: 30_000,
  patchBytesMax: 256 * 1024 * 1024,
  outputBytesMax: 1024 ** 3,
  commandsMax: 10_000,
};

export interface RunnerOptions {
  readonly containment: Containment;
  readonly clock: Clock;
  /** For the marks of runs; unique across everything that shares the machine. */
  readonly ids: Ids;
  /** The caller's environment, from which the allow-list and the adapters pick. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  /** Absolute path; each attempt gets `<attemptsDir>/<job id>/<attempt>`. */
  readonly attemptsDir: string;
  /** Absolute path of a directory in which versions of workers are kept for later processes. Default: not kept. */
  readonly versionsDir?: string;
  /** Absolute real paths of AgentCore's own directories, which are no part of a workspace that they lie in. Default: none. */
  readonly ownDirectories?: readonly string[];
  readonly limits: RunnerLimits;
  /** Of each worker, verify script and look of a probe, each on its own. Default: none. */
  readonly runLimits?: RunLimits;
  /** Prices of one's own for models. Default: none. */
  readonly prices?: OwnPrices;
}
