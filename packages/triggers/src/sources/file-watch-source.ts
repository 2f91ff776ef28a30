/**
 * The source of `type: fswatch`: changes of files in the workspace, watched by chokidar. Changes within 200 ms are one event.
 *
 * Only files are reported, and symbolic links as what they are: none is followed, so nothing outside the workspace is watched.
 * `.git` and the state directory are never watched. Directories that cannot hold a match are not read.
 *
 * Where the system has too few watches (inotify), the source looks at the files every few seconds instead, and says so once. More
 * than 50,000 files are refused. If the workspace vanishes, the source waits until it is there again.
 */
import {
  AgentCoreError,
  backOffMs,
  errorCode,
  errorText,
  isAgentCoreError,
  isMissingOrBelowFile,
  matchesPath,
  mayMatchBelow,
  sleep,
  type Clock,
  type Log,
  type Timer,
} from "@agentcore/contract";
import { watch, type FSWatcher } from "chokidar";
import type { Dirent, Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, sep } from "node:path";
import type { FileChange, FileWatchSource } from "../definition.ts";
import type { Source, SourceCount, SourceHost } from "../source.ts";
import { FileChanges } from "./file-changes.ts";
import { SecondLook } from "./second-look.ts";
import { SourceTally } from "./source-tally.ts";

const batchMs = 200;
/** Chokidar keeps about a kilobyte for each file. */
const filesMax = 50_000;
const pollMs = 3000;
/** Between looks at the workspace directory. */
const lookMs = 2000;
const retry = { minMs: 1000, maxMs: 30_000 };

export interface FileWatchSourcesOptions {
  /** By id. */
  readonly sources: ReadonlyMap<string, FileWatchSource>;
  /** Absolute path. */
  readonly workspace: string;
  /** Absolute path. */
  readonly stateDir: string;
  readonly host: SourceHost;
  readonly clock: Clock;
  readonly log: Log;
  /** Of one source. Default: 50,000. */
  readonly filesMax?: number;
  /** Between looks at the files, where the system has too few watches. Default: 3 s. */
  readonly pollMs?: number;
}

/** All fswatch sources of a daemon. */
export class FileWatchSources implements Source {
  readonly #watches: readonly FileWatch[];
  readonly #tally: SourceTally;

  /** Throws `AC_DAEMON_FILE` for patterns that leave the workspace. */
  constructor(options: FileWatchSourcesOptions) {
    this.#tally = new SourceTally(options);
    this.#watches = [...options.sources].map(
      ([id, source]) => new FileWatch(id, source, options, this.#tally),
    );
  }

  /** Rejects with `AC_WORKSPACE_MISSING` and `AC_WATCH_LIMIT`. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#watches.map((watch) => watch.start()));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Changes that are not stored yet are stored if that is possible at once. */
  async close(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.close()));
  }

  counts(): readonly SourceCount[] {
    return this.#tally.counts();
  }
}

const vanished = "The workspace was removed or replaced. Watching goes on as soon as it is there.";
const tooFewWatches =
  "The system has too few watches, so the files are looked at every few seconds instead. Raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl, or name large directories under `ignore`.";

const changeOf: Readonly<Record<string, FileChange>> = { add: "create", change: "modify", unlink: "delete" };

class FileWatch {
  readonly #id: string;
  readonly #source: FileWatchSource;
  readonly #options: FileWatchSourcesOptions;
  readonly #tally: SourceTally;
  readonly #changes = new FileChanges();
  readonly #abort = new AbortController();
  #root = "";
  #stateDir = "";
  #watcher: FSWatcher | null = null;
  #secondLook: SecondLook | null = null;
  #isPolling = false;
  #files = 0;
  /** Ends the wait for a watcher that is replaced before it is ready. */
  #stopWaiting = (): void => {};
  #batch: Timer | null = null;
  #look: Timer | null = null;
  #storing: Promise<void> | null = null;
  #reopening: Promise<void> = Promise.resolve();

  constructor(id: string, source: FileWatchSource, options: FileWatchSourcesOptions, tally: SourceTally) {
    this.#id = id;
    this.#source = source;
    this.#options = options;
    this.#tally = tally;
    const outside = source.paths.find((path) => isAbsolute(path) || path.split("/").includes(".."));
    if (outside !== undefined)
      throw new AgentCoreError(
        "AC_DAEMON_FILE",
        `Event ${JSON.stringify(id)} watches ${JSON.stringify(outside)}, which is outside the workspace. Write a path relative to the workspace, without "..".`,
      );
  }

  async start(): Promise<void> {
    await this.#open();
    // Done by now, unless the system had too few watches.
    await this.#reopening;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#look?.cancel();
    this.#secondLook?.close();
    await this.#reopening;
    await this.#watcher?.close();
    this.#batch?.cancel();
    await this.#storing;
    if (!this.#changes.isEmpty) await this.#storeOnce();
  }

  /** Resolves once changes are seen. */
  async #open(): Promise<void> {
    const { workspace, stateDir } = this.#options;
    const found = await stat(workspace).catch(() => null);
    if (found?.isDirectory() !== true)
      throw new AgentCoreError("AC_WORKSPACE_MISSING", `The workspace ${workspace} is not a directory.`);
    this.#root = await realpath(workspace);
    this.#stateDir = await realpath(stateDir).catch(() => stateDir);
    this.#files = 0;
    const ready = Promise.withResolvers<void>();
    const watcher = watch(this.#root, {
      followSymlinks: false,
      ignoreInitial: false,
      atomic: false,
      ignored: (path, stats) => this.#isIgnored(path, stats),
      usePolling: this.#isPolling,
      interval: this.#options.pollMs ?? pollMs,
      binaryInterval: this.#options.pollMs ?? pollMs,
    });
    this.#watcher = watcher;
    this.#secondLook?.close();
    this.#secondLook = new SecondLook({
      watcher,
      clock: this.#options.clock,
      isIgnored: (path, entry) => this.#isIgnored(path, entry),
    });
    this.#stopWaiting = () => ready.resolve();
    let isReady = false;
    watcher.on("ready", () => {
      isReady = true;
      ready.resolve();
    });
    watcher.on("all", (event, path) => {
      if (this.#watcher !== watcher) return;
      if (event === "add") this.#files += 1;
      if (event === "unlink") this.#files -= 1;
      if (this.#files > (this.#options.filesMax ?? filesMax)) {
        if (isReady) this.#reopen("too_many_files", this.#tooMany().message);
        else ready.reject(this.#tooMany());
      }
      const change = changeOf[event];
      if (isReady && change !== undefined) this.#changed(relative(this.#root, path), change);
    });
    watcher.on("error", (error) => {
      if (this.#watcher === watcher) this.#failed(error);
    });
    await ready.promise;
    this.#lookAfter(found);
  }

  /** Chokidar does not notice that the directory which it watches was removed or replaced. */
  #lookAfter({ dev, ino }: Stats): void {
    if (this.#abort.signal.aborted) return;
    const watcher = this.#watcher;
    this.#look?.cancel();
    this.#look = this.#options.clock.setTimer(lookMs, () => {
      void stat(this.#root)
        .catch(() => null)
        .then((found) => {
          if (this.#watcher !== watcher) return;
          if (found?.dev === dev && found.ino === ino) this.#lookAfter(found);
          else this.#reopen("vanished", vanished);
        });
    });
  }

  #isIgnored(path: string, stats: Stats | Dirent | undefined): boolean {
    if (path === this.#root) return false;
    const name = relative(this.#root, path).split(sep).join("/");
    if (path === this.#stateDir || name === ".git" || name.endsWith("/.git") || name.startsWith(".."))
      return true;
    if (this.#source.ignore.some((pattern) => matchesPath(pattern, name))) return true;
    if (this.#source.paths.some((pattern) => matchesPath(pattern, name))) return false;
    // A path of unknown kind may be a directory.
    if (stats !== undefined && !stats.isDirectory()) return true;
    return !this.#source.paths.some((pattern) => mayMatchBelow(pattern, name));
  }

  #changed(path: string, change: FileChange): void {
    this.#changes.add(path, change);
    if (this.#batch !== null || this.#storing !== null || this.#abort.signal.aborted) return;
    this.#batch = this.#options.clock.setTimer(batchMs, () => {
      this.#batch = null;
      this.#storing = this.#store().finally(() => (this.#storing = null));
    });
  }

  /** Until all is stored. Changes that come meanwhile are one event more. */
  async #store(): Promise<void> {
    let failures = 0;
    while (!this.#changes.isEmpty && !this.#abort.signal.aborted) {
      failures = (await this.#storeOnce()) ? 0 : failures + 1;
      const delayMs = failures === 0 ? batchMs : backOffMs(failures, retry);
      if (!this.#changes.isEmpty) await sleep(this.#options.clock, delayMs, this.#abort.signal);
    }
  }

  async #storeOnce(): Promise<boolean> {
    const { changes, omitted } = this.#changes.take(this.#source.events);
    if (changes.length === 0 && omitted === 0) return true;
    const payload = { type: "fswatch", changes: changes.map((change) => ({ ...change })), omitted };
    try {
      const acceptance = await this.#options.host.accept({ source: this.#id, key: null, payload, chain: [] });
      this.#tally.count(this.#id, acceptance);
      return true;
    } catch (error) {
      for (const { path, event } of changes) this.#changes.add(path, event);
      this.#refuse("not_kept", "Changes of files could not be stored; it is tried again.", error);
      return false;
    }
  }

  #failed(error: unknown): void {
    const code = errorCode(error) ?? "";
    if (["ENOSPC", "EMFILE"].includes(code) && !this.#isPolling) {
      this.#isPolling = true;
      this.#reopen("watch_limit", tooFewWatches);
    } else if (code === "EACCES" || code === "EPERM") {
      this.#refuse("unreadable", "A watched path cannot be read; its changes are not seen.", error);
    } else if (!isMissingOrBelowFile(error)) {
      this.#refuse("watch", "Watching a path failed; its changes may not be seen.", error);
    }
  }

  /** Watches from the beginning. What changes until then is not seen. */
  #reopen(kind: string, message: string): void {
    if (this.#abort.signal.aborted) return;
    this.#tally.refuse(this.#id, kind, message);
    this.#look?.cancel();
    this.#secondLook?.close();
    const old = this.#watcher;
    this.#watcher = null;
    this.#stopWaiting();
    this.#reopening = this.#reopening.then(async () => {
      await old?.close();
      for (let failures = 1; !this.#abort.signal.aborted; failures += 1) {
        try {
          return await this.#open();
        } catch (error) {
          await this.#watcher?.close();
          if (!isAgentCoreError(error))
            this.#refuse("watch", "Watching files failed; it is tried again.", error);
          await sleep(this.#options.clock, backOffMs(failures, retry), this.#abort.signal);
        }
      }
    });
  }

  #tooMany(): AgentCoreError {
    return new AgentCoreError(
      "AC_WATCH_LIMIT",
      `Event ${JSON.stringify(this.#id)} watches more than ${this.#options.filesMax ?? filesMax} files in ${this.#root}. Name fewer under \`paths\`, or large directories under \`ignore\`.`,
    );
  }

  #refuse(kind: string, message: string, error: unknown): void {
    this.#tally.refuse(this.#id, kind, message, { reason: errorText(error) });
  }
}
