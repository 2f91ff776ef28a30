/** Each way to hide a change from git, tried between two looks: the change is seen, or it is said that it is not known. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gitEnvironment } from "../git/hardening.ts";
import { configureGit, makeHostileGit } from "../testing/hostile-git.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { createGitObserver, type GitStep, type GitStepEnd } from "./git-observer.ts";

const gitEnv = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };

function git(cwd: string, ...args: string[]): string {
  const env = {
    ...gitEnv,
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "protocol.file.allow",
    GIT_CONFIG_VALUE_0: "always",
  };
  return execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], {
    cwd,
    env,
    encoding: "utf8",
  });
}

interface Scene {
  readonly root: string;
  /** The attempt's directory, which a worker that is not sealed can reach. */
  readonly attemptDir: string;
}

function scene(...init: string[]): Scene {
  const root = makeTemporaryDirectory("git");
  git(root, "init", "-q", ...init);
  mkdirSync(join(root, "out"));
  for (const name of ["code.sh", "other", "out/side"]) writeFileSync(join(root, name), "one\n");
  git(root, "add", ".");
  git(root, "commit", "-q", "-m", "first");
  return { root, attemptDir: makeTemporaryDirectory("attempt") };
}

async function observe({ root, attemptDir }: Scene, change: () => void) {
  const run = (step: GitStep): Promise<GitStepEnd> => {
    const env = { ...gitEnvironment(gitEnv), ...step.env };
    const options = { cwd: root, env, encoding: "utf8", timeout: 5000 } as const;
    const end = spawnSync("/bin/sh", ["-c", step.script, "git", ...step.args], options);
    const { status: exitCode, stdout, stderr } = end;
    return Promise.resolve({
      exitCode,
      stdout,
      stderr,
      timedOut: end.error !== undefined,
      overflowed: false,
    });
  };
  const options = {
    workspace: root,
    repository: root,
    attemptDir,
    patchBytesMax: 1024 * 1024,
    snapshotEntriesMax: 50,
    unobserved: [],
  };
  const looks = createGitObserver({ ...options, run });
  expect(await looks.before()).toBeNull();
  change();
  return looks.after();
}

const backdoor = ({ root }: Scene): void => writeFileSync(join(root, "code.sh"), "evil\n");
const gitFile = ({ root }: Scene, name: string, text: string): void =>
  writeFileSync(join(root, ".git", name), text);

type Trick = (scene: Scene) => void;

/** Tricks that leave a trace in the repository's own directory, which is said. */
const traced: Record<string, Trick> = {
  "a clean filter that gives back what was there": (at) => {
    git(at.root, "config", "filter.hide.clean", "echo one");
    gitFile(at, "info/attributes", "* filter=hide\n");
  },
  "a filter that is required and fails": (at) => {
    git(at.root, "config", "filter.hide.clean", "false");
    git(at.root, "config", "filter.hide.required", "true");
    gitFile(at, "info/attributes", "* filter=hide\n");
  },
  "a filter that hangs": (at) => {
    git(at.root, "config", "filter.hide.clean", "sleep 600");
    gitFile(at, "info/attributes", "* filter=hide\n");
  },
  "another work tree": ({ root }) => {
    const copy = makeTemporaryDirectory("copy");
    execFileSync("cp", ["-a", `${root}/code.sh`, `${root}/other`, copy]);
    git(root, "config", "core.worktree", copy);
  },
  "a monitor that says that nothing changed": ({ root }) => {
    git(root, "config", "core.fsmonitor", "true");
  },
  "a list of ignored files in the configuration": ({ root }) => {
    git(root, "config", "core.excludesFile", join(root, "other"));
  },
  "a repository that is bare": ({ root }) => {
    git(root, "config", "core.bare", "true");
  },
  "a configuration that cannot be read": (at) => gitFile(at, "config", "[broken"),
  "a hook for the next commit": (at) => {
    mkdirSync(join(at.root, ".git/hooks"), { recursive: true });
    gitFile(at, "hooks/pre-commit", "#!/bin/sh\n");
    chmodSync(join(at.root, ".git/hooks/pre-commit"), 0o755);
  },
  "a hook that is a link": (at) => {
    mkdirSync(join(at.root, ".git/hooks"), { recursive: true });
    symlinkSync(join(at.root, "code.sh"), join(at.root, ".git/hooks/pre-push"));
  },
};

const untraced: Record<string, Trick> = {
  "the index of the repository": ({ root }) => {
    git(root, "update-index", "--assume-unchanged", "code.sh");
  },
  "the files outside of a sparse checkout": ({ root }) => {
    git(root, "update-index", "--skip-worktree", "code.sh");
  },
  "a commit": ({ root }) => {
    git(root, "commit", "-q", "-am", "mine");
  },
  "a replaced object": ({ root }) => {
    git(root, "replace", git(root, "hash-object", "-w", "code.sh").trim(), "HEAD:other");
  },
  "a lock of the index": (at) => gitFile(at, "index.lock", ""),
  "the time of the file": ({ root }) => {
    const { atime, mtime } = statSync(join(root, "other"));
    utimesSync(join(root, "code.sh"), atime, mtime);
  },
};

/** The evil content is `evil`, where the other one has as many bytes: size and times are no witness. */
describe("a change is seen", () => {
  it.each(Object.keys(untraced))("behind %s", async (name) => {
    const at = scene();
    const found = await observe(at, () => {
      backdoor(at);
      untraced[name]?.(at);
    });
    expect(found).toMatchObject({ files: ["code.sh"], complete: true, note: null });
  });

  it.each(Object.keys(traced))("behind %s, which is said", async (name) => {
    const at = scene();
    const found = await observe(at, () => {
      backdoor(at);
      traced[name]?.(at);
    });
    expect(found).toMatchObject({ files: ["code.sh"], complete: false });
    expect(found.note).toBe(
      "the configuration, exclusions, attributes or hooks of the repository changed meanwhile",
    );
  });

  it("behind an exclusion that only this repository has", async () => {
    const at = scene();
    const found = await observe(at, () => {
      writeFileSync(join(at.root, "new"), "evil\n");
      gitFile(at, "info/exclude", "new\n");
    });
    expect(found).toMatchObject({ files: ["new"], complete: false });
  });

  it("behind marks in the index that an earlier run left", async () => {
    const at = scene();
    git(at.root, "update-index", "--assume-unchanged", "code.sh", "other");
    git(at.root, "update-index", "--skip-worktree", "other");
    const found = await observe(at, () => {
      backdoor(at);
      writeFileSync(join(at.root, "other"), "evil\n");
    });
    expect(found.files).toEqual(["code.sh", "other"]);
  });

  it("of a mode, in a repository that does not care for modes", async () => {
    const at = scene();
    git(at.root, "config", "core.fileMode", "false");
    const found = await observe(at, () => chmodSync(join(at.root, "code.sh"), 0o755));
    expect(found).toMatchObject({ files: ["code.sh"], complete: true });
  });

  it.each([[["--no-cone"]], [["--cone"]], [["--cone", "--sparse-index"]]])(
    "outside of a sparse checkout %s, and nothing where there is none",
    async (how) => {
      const at = scene();
      writeFileSync(join(at.root, "out/gone"), "one\n");
      git(at.root, "add", ".");
      git(at.root, "commit", "-q", "-m", "second");
      mkdirSync(join(at.root, "in"));
      git(at.root, "sparse-checkout", "set", ...how, how[0] === "--cone" ? "in" : "/*\n!/out/");
      expect(await observe(at, () => undefined)).toMatchObject({ files: [], complete: true, note: null });
      const found = await observe(at, () => {
        mkdirSync(join(at.root, "out"));
        writeFileSync(join(at.root, "out/side"), "evil\n");
        writeFileSync(join(at.root, "out/new"), "evil\n");
      });
      expect(found).toMatchObject({ files: ["out/new", "out/side"], complete: true, note: null });
    },
  );

  it.each([["--object-format=sha256"], ["--separate-git-dir"]])(
    "in a repository made with %s",
    async (option) => {
      const at = scene(
        option === "--separate-git-dir" ? `${option}=${makeTemporaryDirectory("dir")}/git` : option,
      );
      git(at.root, "config", "core.splitIndex", "true");
      git(at.root, "update-index", "--split-index");
      expect(await observe(at, () => backdoor(at))).toMatchObject({ files: ["code.sh"], complete: true });
    },
  );

  it("inside a repository of the workspace, of which git sees the commit only", async () => {
    const at = scene();
    const nested = { ...at, root: join(at.root, "nested") };
    mkdirSync(nested.root);
    git(nested.root, "init", "-q");
    writeFileSync(join(nested.root, "code.sh"), "one\n");
    git(nested.root, "add", ".");
    git(nested.root, "commit", "-q", "-m", "first");
    expect(await observe(at, () => undefined)).toMatchObject({ files: [], complete: true, note: null });
    const found = await observe(at, () => backdoor(nested));
    expect(found).toMatchObject({ files: ["nested/code.sh"], complete: true });
    expect(found.note).toBe("what changed inside nested repositories is in no patch");
    const committed = await observe(at, () => git(nested.root, "commit", "-q", "-am", "mine"));
    expect(committed.files).toEqual(["nested"]);
    const flooded = await observe(at, () => {
      for (let n = 0; n < 60; n += 1) writeFileSync(join(nested.root, `f${n}`), "");
    });
    expect(flooded).toMatchObject({ files: [], complete: false });
    expect(flooded.note).toBe("the repository nested was not compared: it holds more than 50 files");
  });

  it("and an everyday change of the configuration is none", async () => {
    const at = scene();
    const found = await observe(at, () => {
      git(at.root, "remote", "add", "origin", "/nowhere");
      git(at.root, "config", "branch.work.remote", "origin");
    });
    expect(found).toMatchObject({ files: [], complete: true, note: null });
  });
});

it("no program that the user or the worker configured is started for a look", async () => {
  const at = scene();
  const hostile = makeHostileGit(makeTemporaryDirectory("programs"));
  const configure = (names: typeof hostile.config): void => configureGit(at.root, names);
  configure([...hostile.config, ...hostile.filterConfig]);
  gitFile(at, "info/attributes", "*.sh filter=hostile diff=hostile\n");
  const inner = scene();
  const nested = join(at.root, "nested");
  renameSync(inner.root, nested);
  configureGit(nested, [...hostile.config, ...hostile.filterConfig]);
  writeFileSync(join(nested, ".git/info/attributes"), "* filter=hostile diff=hostile\n");
  const found = await observe(at, () => {
    writeFileSync(join(nested, "code.sh"), "evil\n");
    configure([["filter.hostile.required", "true"]]);
    backdoor(at);
    writeFileSync(join(at.root, ".gitattributes"), "* filter=hostile diff=hostile\n");
  });
  expect(found.files).toEqual([".gitattributes", "code.sh", "nested/code.sh"]);
  expect(hostile.ran()).toEqual([]);
});

describe("it is said that nothing is known", () => {
  it.each([
    ["marks files in it as unchanged", ["update-index", "--assume-unchanged", "code.sh"]],
    ["configures it", ["config", "core.excludesFile", "/dev/stdin"]],
  ])("where the worker reaches the observer's own directory and %s", async (_what, args) => {
    const at = scene();
    const found = await observe(at, () => {
      backdoor(at);
      git(at.root, `--git-dir=${join(at.attemptDir, "git")}`, "--work-tree=.", ...args);
    });
    expect(found).toMatchObject({ files: null, complete: false, patch: null });
    expect(found.note).toContain("the run changed what git compares with");
  });

  it("where a pipe is in the place of one of its files", async () => {
    const at = scene();
    const index = join(at.attemptDir, "git/index");
    const found = await observe(at, () => {
      rmSync(index);
      execFileSync("mkfifo", [index]);
    });
    expect(found.files).toBeNull();
  });

  it("or only what still is, where the worker made the repository anew", async () => {
    const at = scene();
    const anew = (): void => {
      rmSync(join(at.root, ".git"), { recursive: true });
      git(at.root, "init", "-q");
    };
    const changed = await observe(at, () => {
      anew();
      backdoor(at);
    });
    expect(changed).toMatchObject({ files: null, complete: false, patch: null });
    git(at.root, "add", ".");
    git(at.root, "commit", "-q", "-m", "first");
    expect(await observe(at, () => rmSync(join(at.root, ".git"), { recursive: true }))).toMatchObject({
      complete: false,
      patch: null,
    });
  });
});
