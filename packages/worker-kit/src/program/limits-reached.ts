/** Describes for users which limits of a run (processes, memory, file size) it reached, and which nothing enforces here. */
import type { Containment, LimitsEnforced, RunLimitName, RunLimits } from "@agentcore/containment";
import type { WorkerExit } from "../verdict.ts";

const valueOf: Readonly<Record<RunLimitName, keyof RunLimits>> = {
  processes: "processes",
  memory: "memoryBytes",
  file_size: "fileBytes",
};

/** Configured limits that nothing enforces on this machine, each with the reason. */
export function limitsWithoutEffect(
  { limits: enforced }: Pick<Containment, "limits">,
  limits: RunLimits | undefined,
): string[] {
  return (Object.entries(enforced) as [RunLimitName, LimitsEnforced[RunLimitName]][])
    .filter(([name, { enforced: isEnforced }]) => !isEnforced && limits?.[valueOf[name]] !== undefined)
    .map(([name, { how }]) => `limits.run.${name} is not enforced here: ${how}`);
}

/** The limits that an ended run is known to have reached. */
export function limitsReached(
  counted: readonly RunLimitName[],
  exit: WorkerExit,
  limits: RunLimits | undefined,
): string[] {
  const names = new Set<RunLimitName>(counted);
  if (limits?.fileBytes !== undefined && exit.kind === "signaled" && exit.signal === "SIGXFSZ") {
    names.add("file_size");
  }
  return [...names].map(
    (name) => `reached limits.run.${name} (${limits?.[valueOf[name]] ?? "?"}${units[name]})`,
  );
}

const units: Readonly<Record<RunLimitName, string>> = {
  processes: " processes and threads",
  memory: " bytes; the kernel ended it",
  file_size: " bytes in one file",
};
