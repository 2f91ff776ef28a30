/**
 * The network of a fleet: this process and the database are at the hub, and each host has a namespace with a cable to it. Needs
 * root, and a network namespace that the test made (see `own-namespace.ts`).
 */
import { execFileSync } from "node:child_process";

export interface Link {
  /** Path of the host's network namespace. */
  readonly namespace: string;
  /** Of the hub, as the host reaches it. */
  readonly hub: string;
  /** Packets are dropped from now on, in both directions; connections stay open. */
  cut(): void;
  restore(): void;
}

/** Reserved for tests of network devices (RFC 2544); the namespace has no other network. */
const addressOf = (host: number, end: number): string => `198.18.${host}.${end}`;

export interface Network {
  readonly links: readonly Link[];
  remove(): void;
}

export function makeNetwork(hosts: number): Network {
  ip("link", "set", "lo", "up");
  const names = Array.from({ length: hosts }, (_, host) => `agentcore-fleet-${process.pid}-${host}`);
  const links = names.map((name, host): Link => {
    const [near, far] = [`fleet${host}`, `host${host}`];
    ip("netns", "add", name);
    ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name);
    ip("address", "add", `${addressOf(host, 1)}/30`, "dev", near);
    ip("link", "set", near, "up");
    ip("-n", name, "address", "add", `${addressOf(host, 2)}/30`, "dev", far);
    for (const device of ["lo", far]) ip("-n", name, "link", "set", device, "up");
    return {
      namespace: `/run/netns/${name}`,
      hub: addressOf(host, 1),
      cut: () => ip("link", "set", near, "down"),
      restore: () => ip("link", "set", near, "up"),
    };
  });
  return { links, remove: () => names.forEach((name) => ip("netns", "delete", name)) };
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
