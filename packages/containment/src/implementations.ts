/**
 * Builds the command lines of the three boxes. Each ends in a script of `handshake.ts`. They differ in who makes the PID
 * namespace, who is its init, and what ties its life to this process.
 */
import { replacingScript, waitingScript } from "./handshake.ts";
import type { CommandLine } from "./launch.ts";
import type { ContainedCommand, ImplementationName } from "./port.ts";
import { findSystemProgram } from "./programs.ts";
import { bubblewrapMounts } from "./view-bubblewrap.ts";
import { setupScript } from "./view-unshare.ts";
import { doorsOfRoot, type View } from "./view.ts";

/** An implementation with the programs that it needs and that were found on this machine. */
export type Implementation =
  | {
      readonly name: "bubblewrap";
      readonly bwrap: string;
      readonly setsid: string;
      /** Whether a user namespace is requested explicitly; without privileges, bubblewrap always makes one. */
      readonly userNamespace: boolean;
      /** Whether this process is root. Workers must not get root's capabilities. */
      readonly root: boolean;
    }
  | {
      readonly name: "unshare";
      readonly unshare: string;
      readonly setpriv: string;
      readonly setsid: string;
      readonly userNamespace: boolean;
      readonly root: boolean;
    }
  | {
      readonly name: "process-group";
      /** Null if missing: the payload then outlives this process until the next sweep. */
      readonly setpriv: string | null;
    };

export type MissingProgram = { readonly name: ImplementationName; readonly missing: string };

const shell = "/bin/sh";

/** For each implementation, the way to try on this machine, or the missing program. */
export function candidates(uid: number): (readonly Implementation[] | MissingProgram)[] {
  const [bwrap, unshare, setpriv, setsid] = ["bwrap", "unshare", "setpriv", "setsid"].map(findSystemProgram);
  // Root needs no user namespace, unless it lacks the right to make the other namespaces.
  const userNamespaces = uid === 0 ? [false, true] : [true];
  const missing = (names: Record<string, string | null | undefined>): string | undefined =>
    Object.keys(names).find((name) => names[name] === null);
  return [
    missing({ bwrap, setsid }) === undefined
      ? userNamespaces.map((userNamespace) => ({
          name: "bubblewrap" as const,
          bwrap: bwrap as string,
          setsid: setsid as string,
          userNamespace,
          root: uid === 0,
        }))
      : { name: "bubblewrap", missing: missing({ bwrap, setsid }) as string },
    missing({ unshare, setpriv, setsid }) === undefined
      ? userNamespaces.map((userNamespace) => ({
          name: "unshare" as const,
          unshare: unshare as string,
          setpriv: setpriv as string,
          setsid: setsid as string,
          userNamespace,
          root: uid === 0,
        }))
      : { name: "unshare", missing: missing({ unshare, setpriv, setsid }) as string },
    [{ name: "process-group", setpriv: setpriv ?? null }],
  ];
}

export function levelOf(name: ImplementationName): "sealed" | "best-effort" {
  return name === "process-group" ? "best-effort" : "sealed";
}

/** Whether the implementation can hide directories from a worker, which needs a separate view of the file system. */
export function hidesFiles(name: ImplementationName): boolean {
  return name !== "process-group";
}

/** Returns the complete command line that runs `command` in a box. */
export function commandLine(
  implementation: Implementation,
  command: Pick<ContainedCommand, "command" | "args" | "cwd" | "ownSandbox">,
  view: View,
  /** Shell commands that run first in the script. */
  first = "",
): CommandLine {
  const payload = [command.command, ...command.args];
  switch (implementation.name) {
    case "bubblewrap": {
      // Not below setpriv: bubblewrap arms the parent-death signal itself, later, when dying leaves fewer processes behind.
      // Not with bubblewrap's own init: bubblewrap would exit before that init is reaped, and if this process is PID 1 of a
      // container, no process would ever reap it. bubblewrap sets no_new_privs.
      const box = words("--unshare-pid --as-pid-1 --die-with-parent --bind / / --dev /dev --proc /proc");
      const user = implementation.userNamespace ? ["--unshare-user"] : [];
      const doors = implementation.root ? ["/sys", ...doorsOfRoot()] : [];
      const rights = implementation.root ? words("--cap-drop ALL") : [];
      const kept = implementation.root && command.ownSandbox === true ? words("--cap-add CAP_SETFCAP") : [];
      const script = [shell, "-c", first + waitingScript, "sh", implementation.setsid, "--"];
      const args = [
        ...box,
        ...user,
        ...doors.flatMap((each) => ["--ro-bind-try", each, each]),
        ...rights,
        ...kept,
        ...bubblewrapMounts(view),
        "--",
        ...script,
        ...payload,
      ];
      return { file: implementation.bwrap, args };
    }
    case "unshare": {
      const armed = ["--pdeathsig", "KILL", "--", implementation.unshare];
      const user = implementation.userNamespace ? words("--user --map-current-user --keep-caps") : [];
      const box = words("--pid --fork --kill-child --mount-proc --propagation slave --");
      const setup = [shell, "-c", setupScript(view, command.cwd, implementation.root), "sh"];
      const kept = implementation.root && command.ownSandbox === true ? "+setfcap" : "";
      const rights = [implementation.setpriv, ...withoutRights(kept), "--"];
      const script = [shell, "-c", first + waitingScript, "sh", implementation.setsid, "--"];
      const args = [...armed, ...user, ...box, ...setup, ...rights, ...script, ...payload];
      return { file: implementation.setpriv, args };
    }
    case "process-group": {
      const script = ["-c", first + replacingScript, "sh", ...payload];
      return implementation.setpriv === null
        ? { file: shell, args: script }
        : { file: implementation.setpriv, args: ["--pdeathsig", "KILL", "--", shell, ...script] };
    }
  }
}

/**
 * Arguments for `setpriv`: no process in the box has, or can regain, the capabilities that building it needed, except one
 * named as `+name`.
 */
function withoutRights(kept: string): string[] {
  const sets = ["--bounding-set", "--inh-caps", "--ambient-caps"];
  return [
    ...sets.map((set) => `${set}=${["-all", kept].filter((each) => each !== "").join(",")}`),
    "--no-new-privs",
  ];
}

function words(text: string): string[] {
  return text.split(" ");
}
