/** Reads the steps of a file, with its defaults, for the checks. */
import { withDefaults } from "./defaults.ts";
import { listOf, rawOf, type Raw, type RawSteps } from "./raw.ts";
import { waitingIn } from "./waiting.ts";

export function rawStepsOf(file: Raw, profileOf: (agent: string) => Raw): RawSteps {
  const defaults = rawOf(file["defaults"]);
  const byId = new Map(
    Object.entries(rawOf(file["steps"])).map(([id, step]) => [
      id,
      withDefaults(rawOf(step), defaults, profileOf),
    ]),
  );
  const isKnown = (id: unknown): id is string => typeof id === "string" && byId.has(id);
  const known = new Map([...byId].map(([id, step]) => [id, listOf(step["depends_on"]).filter(isKnown)]));
  const dependencies = (id: string): readonly string[] => known.get(id) ?? [];
  const waits = waitingIn(dependencies);
  const ids = [...byId.keys()];
  return { byId, ids, dependencies, waitsFor: (id) => ({ has: (other) => waits(id, other) }) };
}
