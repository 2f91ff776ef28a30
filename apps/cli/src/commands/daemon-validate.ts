/** `agentcore daemon validate`: checks a daemon file and its workflows; starts nothing. */
import { formatProblem } from "@agentcore/yaml-file";
import { loadDaemonFile } from "../daemon/load-daemon-file.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { loadOptionsConfig } from "../queue/open-queue.ts";
import { lookUpWorkers } from "../workflow/known-workers.ts";
import { writeWarnings } from "../workflow/load-workflow.ts";

export async function validateDaemon(
  file: string,
  { json }: { readonly json?: boolean },
  io: Io,
): Promise<number> {
  const loaded = await loadDaemonFile(
    file,
    io,
    lookUpWorkers(() => loadOptionsConfig({}, io)),
  );
  const problems = loaded.ok ? [] : loaded.problems;
  const warnings = loaded.ok ? loaded.warnings : [];
  if (json === true) io.stdout.json({ type: "validation", ok: loaded.ok, problems, warnings });
  else if (loaded.ok) {
    writeWarnings(warnings, io);
    const { sources, triggers } = loaded.definition;
    io.stdout.write(
      `${file}: valid: ${counted(sources.size, "event")}, ${counted(triggers.size, "trigger")}\n`,
    );
  } else {
    const lines = problems.map(formatProblem);
    io.stderr.write(`${lines.join("\n")}\n${file}: ${counted(problems.length, "mistake")}\n`);
  }
  return loaded.ok ? exitCodes.succeeded : exitCodes.usage;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
