/**
 * A view as a shell script that util-linux's `mount` carries out in the new mount namespace, before anything else runs in
 * the box. What is to be mounted is put together on a small file system of its own and bound to its place from there, all
 * of it by one `mount --all` from a table, which also makes the directories: every process here costs each run as much as
 * a dozen mounts. The box gets a `/dev` of its own in the same way, with the devices that every program may expect and
 * none of the machine's.
 */
import path from "node:path";
import { reachableMounts } from "./mountinfo.ts";
import { doorsOfRoot, type View } from "./view.ts";

/**
 * A directory that every `/proc` has, that no program needs and that is no door of root. Covered only while the script runs:
 * the kernel lets nobody in the box mount a `/proc` of his own, as a sandbox does, where a part of ours is covered, and the
 * `mount --all` of a box in the box would take what is still mounted here for its own.
 */
const stage = "/proc/driver";
const dev = `${stage}/dev`;

const devices = ["null", "zero", "full", "random", "urandom", "tty"];
const deviceLinks = ["fd", "stdin", "stdout", "stderr"];

/** The script; it ends in the command that its arguments are. */
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
  // In a shell of its own, which leaves PATH and umask as they were. The working directory that was inherited lies below
  // the mounts.
  return `(\n${mounts.join("\n")}\n) || exit 126\ncd -P ${quote(cwd)} || exit 126\nexec "$@"`;
}

/** Options of a mount that are lost, or refused in a user namespace, where a change of it does not name them. */
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
 * Makes read-only what root could write: parts of `/proc`, and `/sys` with everything that is mounted below it. The latter
 * are mounts of this namespace already and need only be changed; `mount --all` would pass over a bind of one to itself.
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
  /** What no mount below makes. */
  readonly directories: readonly string[];
  readonly links: readonly { readonly name: string; readonly target: string }[];
  readonly table: readonly string[];
}

function assemble(view: View): Assembly {
  const links: { name: string; target: string }[] = [];
  const pins: string[] = [];
  const shown: { readonly from: string; readonly at: string }[] = [];
  const covers: { readonly path: string; readonly cover: string; readonly at: string }[] = [];
  /** Where a path is while its cover lies on the stage, to which everything that is below it is added first. */
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

/** Makes the directory of the target where it is missing. */
function bindMade(source: string, target: string): string {
  return bind(source, target, "rbind,X-mount.mkdir");
}

/** Changes this one mount, and none that lies on it. */
function readOnly(point: string, kept: readonly string[] = []): string {
  return `none ${tableWord(point)} none ${["remount", "bind", "ro", ...kept].join(",")} 0 0`;
}

/** As `/etc/fstab` writes a path. */
function tableWord(text: string): string {
  return text.replaceAll(/[\s\\#]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
