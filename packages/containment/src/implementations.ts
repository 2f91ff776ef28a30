/**
 * The command lines of the three boxes. Each ends in a script of `handshake.ts`. What differs is who makes the PID
 * namespace, who is its init, and who ties its life to ours.
 */
import { replacingScript, waitingScript } from "./handshake.ts";
import type { CommandLine } from "./launch.ts";
import type { ContainedCommand, ImplementationName } from "./port.ts";
import { findSystemProgram } from "./programs.ts";
import { bubblewrapMounts } from "./view-bubblewrap.ts";
import { setupScript } from "./view-unshare.ts";
import type { View } from "./view.ts";

/** An implementation with the programs that it was found to need on this machine. */
export type Implementation =
  | {
      readonly name: "bubblewrap";
      readonly bwrap: string;
      readonly setsid: string;
      /** Whether a user namespace is asked for explicitly; without privileges bubblewrap makes one anyway. */
      readonly userNamespace: boolean;
    }
  | {
      readonly name: "unshare";
      readonly unshare: string;
      readonly setpriv: string;
      readonly setsid: string;
      readonly userNamespace: boolean;
    }
  | {
      readonly name: "process-group";
      /** Null where it is missing: the payload then outlives this process until the next sweep. */
      readonly setpriv: string | null;
    };

export type MissingProgram = { readonly name: ImplementationName; readonly missing: string };

const shell = "/bin/sh";

/** For `setpriv`: nothing in the box gets back what building it took. */
const noPrivileges = words("--bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs --");

/** The ways to try on this machine, per implementation, or the program that is missing for it. */
export function candidates(uid: number): (readonly Implementation[] | MissingProgram)[] {
  const [bwrap, unshare, setpriv, setsid] = ["bwrap", "unshare", "setpriv", "setsid"].map(findSystemProgram);
  // Root needs no user namespace, unless it is a root without the right to make the others.
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
        }))
      : { name: "bubblewrap", missing: missing({ bwrap, setsid }) as string },
    missing({ unshare, setpriv, setsid }) === undefined
      ? userNamespaces.map((userNamespace) => ({
          name: "unshare" as const,
          unshare: unshare as string,
          setpriv: setpriv as string,
          setsid: setsid as string,
          userNamespace,
        }))
      : { name: "unshare", missing: missing({ unshare, setpriv, setsid }) as string },
    [{ name: "process-group", setpriv: setpriv ?? null }],
  ];
}

export function levelOf(name: ImplementationName): "sealed" | "best-effort" {
  return name === "process-group" ? "best-effort" : "sealed";
}

/** Whether a worker in it can be kept from seeing directories: that takes a file system view of its own. */
export function hidesFiles(name: ImplementationName): boolean {
  return name !== "process-group";
}

/** The whole command line that runs `command` in a box. */
export function commandLine(
  implementation: Implementation,
  command: Pick<ContainedCommand, "command" | "args" | "cwd">,
  cgroupDirectory: string | null,
  view: View,
): CommandLine {
  const payload = [command.command, ...command.args];
  const cgroup = cgroupDirectory ?? "";
  switch (implementation.name) {
    case "bubblewrap": {
      // Not below setpriv: bubblewrap arms the parent-death signal itself, at a moment when dying of it leaves less
      // behind than dying of an earlier one would. Not with its own init: bubblewrap would end before that has been
      // reaped, and where this process is PID 1 of a container nobody else would ever reap it.
      const box = words("--dev-bind / / --proc /proc --unshare-pid --as-pid-1 --die-with-parent");
      const user = implementation.userNamespace ? ["--unshare-user"] : [];
      const script = [shell, "-c", waitingScript, "sh", cgroup, implementation.setsid];
      const mounts = bubblewrapMounts(view);
      return { file: implementation.bwrap, args: [...box, ...user, ...mounts, "--", ...script, ...payload] };
    }
    case "unshare": {
      const armed = ["--pdeathsig", "KILL", "--", implementation.unshare];
      const setup = setupScript(view, command.cwd);
      const mount = setup === null ? [] : [shell, "-c", setup, "sh", implementation.setpriv, ...noPrivileges];
      const keep = setup === null ? [] : ["--keep-caps"];
      const user = implementation.userNamespace ? [...words("--user --map-current-user"), ...keep] : [];
      const box = words("--pid --fork --kill-child --mount-proc --propagation slave");
      const script = [...mount, shell, "-c", waitingScript, "sh", cgroup, implementation.setsid];
      return { file: implementation.setpriv, args: [...armed, ...user, ...box, "--", ...script, ...payload] };
    }
    case "process-group": {
      const script = ["-c", replacingScript, "sh", cgroup, ...payload];
      return implementation.setpriv === null
        ? { file: shell, args: script }
        : { file: implementation.setpriv, args: ["--pdeathsig", "KILL", "--", shell, ...script] };
    }
  }
}

function words(text: string): string[] {
  return text.split(" ");
}
