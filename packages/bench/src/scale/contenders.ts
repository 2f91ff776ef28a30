import { hosts, hostsWithMoney, port } from "./agentcore.ts";
import type { ScaleContender } from "./contender.ts";
import { bullmq, graphile, pgBoss } from "./peers.ts";

/** Ours first. */
export const contenders: readonly ScaleContender[] = [
  port,
  hosts,
  hostsWithMoney,
  pgBoss,
  graphile,
  bullmq("always"),
  bullmq("everysec"),
];
