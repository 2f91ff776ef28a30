/** Two network namespaces that reach each other through a pair of virtual devices, as two machines would. Needs root and `ip`. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";

export interface Namespaces {
  /** Words before a command that runs it in the first, or in the second. */
  readonly first: readonly string[];
  readonly second: readonly string[];
  /** Of the first, as the second reaches it. */
  readonly address: string;
  /** Removes both, and the devices in them. */
  remove(): void;
}

/** Addresses for documentation (RFC 5737): no network of this machine has them. */
const addresses = ["192.0.2.1", "192.0.2.2"] as const;

export function makeNamespaces(): Namespaces {
  // The name of a device has at most 15 characters.
  const id = randomBytes(3).toString("hex");
  const names = [`agentcore-${id}-a`, `agentcore-${id}-b`] as const;
  const devices = [`acv${id}a`, `acv${id}b`] as const;
  const remove = (): void => {
    for (const name of names) spawnSync("ip", ["netns", "delete", name]);
    // Only there if it was not moved into a namespace.
    spawnSync("ip", ["link", "delete", devices[0]]);
  };
  // Whatever ends this process.
  process.once("exit", remove);
  try {
    ip("link", "add", devices[0], "type", "veth", "peer", "name", devices[1]);
    for (const [index, name] of names.entries()) {
      ip("netns", "add", name);
      const device = devices[index] ?? "";
      ip("link", "set", device, "netns", name);
      ip("-n", name, "address", "add", `${addresses[index]}/24`, "dev", device);
      ip("-n", name, "link", "set", "lo", "up");
      ip("-n", name, "link", "set", device, "up");
    }
  } catch (error) {
    remove();
    throw error;
  }
  const [first, second] = names.map((name) => ["ip", "netns", "exec", name]);
  return {
    first: first ?? [],
    second: second ?? [],
    address: addresses[0],
    remove: () => {
      process.off("exit", remove);
      remove();
    },
  };
}

function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
