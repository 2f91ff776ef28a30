/**
 * Turns a view into a shell script for util-linux's `mount`, which runs in the new mount namespace before anything else in
 * the box. The mounts are prepared on a small separate file system and bound from there, all by one `mount --all` from a
 * table, which also makes the directories: each extra process would cost a run as much as a dozen mounts. The box gets its
 * own `/dev` in the same way, with the devices that every program may expect and none of the machine's.
 */
import path from "node:path";
import { reachableMounts } from "./mountinfo.ts";
import { doorsOfRoot, type View } from "./view.ts";

/**
 * A directory that every `/proc` has, that no program needs, and that gives root no power. It is covered only while the
 * script runs: the kernel forbids mounting a new `/proc`, as a sandbox in the box does, if a part of the existing one is
 * covered, and the `mount --all` of a nested box would treat leftover mounts here as its own.
 */
const stage = "/proc/driver";
const dev = `${stage}/dev`;

const devices = ["null", "zero", "full", "random", "urandom", "tty"];
const deviceLinks = ["fd", "stdin", "stdout", "stderr"];

/** Returns the script; it ends by executing its arguments. */
export function setupScript(view: View, cwd: string, isRoot: boolean): string {
  const { directories, links, table } = assemble(view);
  const lines = [
    ...table,
    ...devices.map((name) => bind(`/dev/${name}`, `${dev}/${name}`)),
    `devpts ${dev}/pts devpts newinstance,ptmxmode=0666,mode=0620,X-mount.mkdir 0 0`,
    bind(`${dev}/pts/ptmx`, `${dev}/ptmx`),
    `tmpfs ${dev}/shm tmpfs mode=1777,X-mount.mkdir 0 0`,
    bind(dev, "/dev"),
    ...(isRoot ? closedDoors() : []),
  ];
  const mounts = [
    "set -e",
    "umask 022",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    `mount -t tmpfs -o mode=0755,size=4m agentcore ${stage}`,
    // Makes `dev` too.
    `cp -P --parents ${deviceLinks.map((name) => `/dev/${name}`).join(" ")} ${stage}`,
    `: ${[...devices, "ptmx"].map((name) => `>${dev}/${name}`).join(" ")}`,
    ...(directories.length > 0 ? [`mkdir -p ${directories.map(quote).join(" ")}`] : []),
    ...links.map(({ name, target }) => `ln -s ${quote(target)} ${quote(name)}`),
    `printf %s ${quote(lines.map((line) => `${line}\n`).join(""))} >${stage}/table`,
    `mount --all --fstab ${stage}/table`,
    `exec umount -l ${stage}`,
  ];
  // In a subshell, which leaves PATH and umask unchanged. The inherited working directory is below the mounts.
  return `(\n${mounts.join("\n")}\n) || exit 126\ncd -P ${quote(cwd)} || exit 126\nexec "$@"`;
}

/** Mount options that are lost, or refused in a user namespace, if a remount does not name them. */
const keptOptions = new Set([
  "nosuid",
  "nodev",
  "noexec",
  "noatime",
  "nodiratime",
  "relatime",
  "nosymfollow",
]);

/**
 * Makes read-only what root could write: parts of `/proc`, and `/sys` with every mount below it. The latter are already
 * mounts of this namespace and only need a remount; `mount --all` would skip a bind of a mount to itself.
 */
function closedDoors(): string[] {
  const below = reachableMounts().filter(
    ({ point, options }) => (point === "/sys" || point.startsWith("/sys/")) && !options.includes("ro"),
  );
  return [
    ...doorsOfRoot().map((each) => bind(each, each, "bind,ro")),
    ...below.map(({ point, options }) =>
      readOnly(
        point,
        options.filter((each) => keptOptions.has(each)),
      ),
    ),
  ];
}

interface Assembly {
  /** Targets that no earlier mount creates. */
  readonly directories: readonly string[];
  readonly links: readonly { readonly name: string; readonly target: string }[];
  readonly table: readonly string[];
}

function assemble(view: View): Assembly {
  const links: { name: string; target: string }[] = [];
  const pins: string[] = [];
  const shown: { readonly from: string; readonly at: string }[] = [];
  const covers: { readonly path: string; readonly cover: string; readonly at: string }[] = [];
  /** The path on the stage while its cover is being prepared there; everything below it is added first. */
  const onStage = (each: string): string => {
    const found = covers.findLast((covered) => each.startsWith(`${covered.path}/`));
    return found === undefined ? each : path.join(found.cover, path.relative(found.path, each));
  };
  for (const [index, step] of view.entries()) {
    const at = onStage(step.path);
    switch (step.do) {
      case "pin":
        pins.push(bind(step.path, step.path));
        break;
      case "hide":
        covers.push({ path: step.path, cover: `${stage}/${index}`, at });
        break;
      case "show":
        shown.push({ from: step.path, at });
        break;
      case "link":
        if (at !== step.path) links.push({ name: at, target: step.target });
        break;
    }
  }
  const isMade = (cover: string): boolean =>
    [...shown, ...covers].some(({ at }) => at.startsWith(`${cover}/`));
  return {
    directories: [
      ...covers.map(({ cover }) => cover).filter((cover) => !isMade(cover)),
      ...links.map(({ name }) => path.dirname(name)),
    ],
    links,
    table: [
      ...pins,
      ...shown.map(({ from, at }) => bindMade(from, at)),
      // The innermost first.
      ...covers.toReversed().map(({ cover, at }) => bindMade(cover, at)),
      ...covers.map((covered) => readOnly(covered.path)),
    ],
  };
}

function bind(source: string, target: string, options = "rbind"): string {
  return `${tableWord(source)} ${tableWord(target)} none ${options} 0 0`;
}

/** Makes the directory of the target if it is missing. */
function bindMade(source: string, target: string): string {
  return bind(source, target, "rbind,X-mount.mkdir");
}

/**
 * Changes only this mount, not the mounts on it. The source means nothing to a remount, but `mount --all` skips a line whose
 * source and place are those of a mount: the word must be none that others use, such as `none` of tracefs.
 */
function readOnly(point: string, kept: readonly string[] = []): string {
  return `agentcore-remount ${tableWord(point)} none ${["remount", "bind", "ro", ...kept].join(",")} 0 0`;
}

/** Escapes a path for `/etc/fstab`. */
function tableWord(text: string): string {
  return text.replaceAll(/[\s\\#]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
