import { agentcore } from "./agentcore.ts";
import { bullmq } from "./bullmq.ts";
import type { Contender } from "./contender.ts";
import { pgBoss } from "./pg-boss.ts";
import { ref } from "./ref.ts";

/** Ours first. */
export const contenders: readonly Contender[] = [
  agentcore,
  ref,
  bullmq("everysec"),
  bullmq("always"),
  pgBoss,
];
