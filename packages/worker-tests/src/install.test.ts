import { claudeCodeAdapter } from "@agentcore/adapter-claude-code";
import { codexAdapter } from "@agentcore/adapter-codex";
import { openCodeAdapter } from "@agentcore/adapter-opencode";
import { compareVersions } from "@agentcore/worker-kit";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { InstallationError, installClis, type InstallOptions } from "./install.ts";
import { pinNewest } from "./newest.ts";
import { pinsFolder } from "./places.ts";

let folder: string;
let reported: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "worker-install-"));
  reported = [];
  await mkdir(join(folder, "clis"));
  await pin("1.2.3");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function pin(version: string): Promise<void> {
  const dependencies = {
    "@anthropic-ai/claude-code": version,
    "@openai/codex": version,
    "opencode-ai": version,
  };
  await writeFile(join(folder, "clis", "package.json"), JSON.stringify({ dependencies }));
  await writeFile(join(folder, "clis", "package-lock.json"), "{}");
}

/** A program called npm that "installs" CLIs of the given version, or does what the given shell line says. */
async function npmThat(does: string): Promise<InstallOptions> {
  await mkdir(join(folder, "bin"), { recursive: true });
  const npm = join(folder, "bin", "npm");
  await writeFile(npm, `#!/bin/sh\necho npm-was-here "$@"\n${does}\n`);
  await chmod(npm, 0o755);
  return {
    pinsFolder: join(folder, "clis"),
    cacheFolder: join(folder, "cache"),
    report: (line) => reported.push(line),
    env: { PATH: `${join(folder, "bin")}:/usr/bin:/bin` },
  };
}

function install(version: string): string {
  return `mkdir -p node_modules/.bin; for cli in claude codex opencode; do
    printf '#!/bin/sh\\necho v ${version} "(some name)"\\n' > node_modules/.bin/$cli; chmod +x node_modules/.bin/$cli; done`;
}

it("installs what is pinned, with one line of progress, and then not again", async () => {
  const paths = await installClis(await npmThat(install("1.2.3")));
  expect(reported).toEqual([
    expect.stringMatching(/^installing claude 1\.2\.3, codex 1\.2\.3, opencode 1\.2\.3 in /),
  ]);
  expect(await readFile(paths.programs.codex, "utf8")).toContain("1.2.3");

  expect(await installClis(await npmThat("exit 1"))).toEqual(paths);
  expect(reported).toHaveLength(1);
});

it("installs again when a pin changes", async () => {
  await installClis(await npmThat(install("1.2.3")));
  await pin("1.2.4");
  await installClis(await npmThat(install("1.2.4")));
  expect(reported).toHaveLength(2);
});

it("a failed installation is one error with npm's last lines, its log and the cure, and leaves nothing taken for done", async () => {
  const options = await npmThat("echo no such host >&2; exit 7");
  const error = await installClis(options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InstallationError);
  expect((error as Error).message).toMatch(
    /exit code 7: npm install[\s\S]*no such host[\s\S]*npm\.log[\s\S]*registry/,
  );
  await installClis(await npmThat(install("1.2.3")));
  expect(reported).toHaveLength(2);
});

it("another version than the pinned one is an error", async () => {
  const error = await installClis(await npmThat(install("1.2.30"))).catch((reason: unknown) => reason);
  expect((error as Error).message).toMatch(/claude --version should print 1\.2\.3 and printed "v 1\.2\.30/);
});

it("a missing npm is the same kind of error", async () => {
  const options = { ...(await npmThat("")), env: { PATH: join(folder, "nowhere") } };
  await expect(installClis(options)).rejects.toThrow(
    /could not be installed: Command failed with ENOENT: npm/,
  );
});

it("the committed pins name the three CLIs, with integrity, and no registry", async () => {
  const lockfile = await readFile(new URL("../clis/package-lock.json", import.meta.url), "utf8");
  expect(lockfile).not.toMatch(/https?:/);
  const { packages } = JSON.parse(lockfile) as { packages: Record<string, { integrity?: string }> };
  const names = Object.keys(packages).filter((name) => name !== "");
  expect(names).toEqual(
    expect.arrayContaining([
      "node_modules/@anthropic-ai/claude-code",
      "node_modules/@openai/codex",
      "node_modules/opencode-ai",
    ]),
  );
  expect(names.filter((name) => packages[name]?.integrity === undefined)).toEqual([]);
});

it("the newest versions are pinned beside the committed ones, and installed without a lockfile", async () => {
  const newestPinsFolder = join(folder, "newest");
  const viewing = await npmThat("");
  await writeFile(join(folder, "bin", "npm"), "#!/bin/sh\necho 9.9.9\n");
  await pinNewest({ pinsFolder: viewing.pinsFolder, newestPinsFolder, env: viewing.env });
  const options = { ...(await npmThat(install("9.9.9"))), pinsFolder: newestPinsFolder };
  const paths = await installClis(options);
  expect(await readFile(paths.programs.claude, "utf8")).toContain("9.9.9");
  await expect(readFile(join(paths.folder, "package-lock.json"))).rejects.toThrow("ENOENT");
});

it("a registry that does not answer for the newest version is an error that names the package", async () => {
  const { pinsFolder, env } = await npmThat("exit 1");
  const newest = pinNewest({ pinsFolder, newestPinsFolder: join(folder, "newest"), env });
  await expect(newest).rejects.toThrow(/newest version of @anthropic-ai\/claude-code.*registry/);
});

it("each adapter says that it was verified with the version pinned here, or with a newer one", async () => {
  const { dependencies } = JSON.parse(await readFile(join(pinsFolder, "package.json"), "utf8")) as {
    dependencies: Readonly<Record<string, string>>;
  };
  const pins = {
    "@anthropic-ai/claude-code": claudeCodeAdapter,
    "@openai/codex": codexAdapter,
    "opencode-ai": openCodeAdapter,
  };
  for (const [name, { program }] of Object.entries(pins))
    expect(
      compareVersions(program.verifiedVersion ?? "0.0.0", dependencies[name] ?? ""),
    ).toBeGreaterThanOrEqual(0);
});
