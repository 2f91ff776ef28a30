/** The options and limits of a runner. Each limit has a default, listed in `README.md`. */
import type { Containment, RunLimits } from "@agentcore/containment";
import type { Clock, Ids, OwnPrices } from "@agentcore/contract";
import { lineCharsMax } from "./line-framer.ts";
import type { Unpriced } from "./prices.ts";
import { logBytesMaxDefault } from "./runner/output-log.ts";

export interface RunnerLimits {
  /** Longest line that an adapter gets whole, in characters; of a longer line it gets the first part. Default 8 Mi. */
  readonly lineCharsMax: number;
  /** Maximum log size of stdout and of stderr, in bytes. Default 1 GiB. */
  readonly logBytesMax: number;
  /** From the first TERM to KILL. Default 5,000. */
  readonly graceMs: number;
  /** From the first TERM to the second. Default 2,000. */
  readonly secondTermAfterMs: number;
  /** Time in ms without data after which a stream is closed that a process outside the container still holds. Default 500. */
  readonly drainQuietMs: number;
  /** Maximum of files and directories that are compared in a workspace outside git. Default 20,000. */
  readonly snapshotEntriesMax: number;
  /** Time limit in ms for git to compare the workspace, before and after the run. Default 30,000. */
  readonly gitTimeoutMs: number;
  /** Largest file that git may write during a comparison, and so the largest patch, in bytes. Default 256 MiB. */
  readonly patchBytesMax: number;
  /** Largest declared output that is copied, in bytes. Default 1 GiB. */
  readonly outputBytesMax: number;
  /** Maximum of commands in the observations. Default 10,000. */
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
  /** Ids for the markers of runs; unique on the machine. */
  readonly ids: Ids;
  /** The caller's environment, the source of the allow-list and of credentials. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  /** Absolute path; each attempt gets `<attemptsDir>/<job id>/<attempt>`. */
  readonly attemptsDir: string;
  /** Absolute path of a directory that caches versions of workers for later processes. Default: no cache. */
  readonly versionsDir?: string;
  /**
   * Absolute real paths of AgentCore's own directories, which are excluded from comparisons of a workspace that contains
   * them. Default: none.
   */
  readonly ownDirectories?: readonly string[];
  readonly limits: RunnerLimits;
  /** Limits of machine resources, separately for each worker, verify script and look of a probe. Default: none. */
  readonly runLimits?: RunLimits;
  /** Providers for which the spend gate has a credential. Default: none. */
  readonly providersWithCredential?: readonly string[];
  /** The user's own prices for models. Default: none. */
  readonly prices?: OwnPrices;
  /** What a model without a price costs. Default: `charge_ceiling`. */
  readonly unpriced?: Unpriced;
}
