/** Reads the steps of a file, with its defaults, for the checks. */
import { withDefaults } from "./defaults.ts";
import { listOf, rawOf, type Raw } from "@agentcore/yaml-file";
import type { RawSteps } from "./raw.ts";
import { waitingIn } from "./waiting.ts";

const isMapping = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function rawStepsOf(file: Raw, profileOf: (agent: string) => Raw): RawSteps {
  const defaults = rawOf(file["defaults"]);
  const main = new Map(Object.entries(rawOf(file["steps"])));
  const final = new Map(Object.entries(rawOf(file["finally"])).filter(([id]) => !main.has(id)));
  const byId = new Map(
    [...main, ...final].map(([id, step]) => [id, withDefaults(rawOf(step), defaults, profileOf)]),
  );
  const isFinal = (id: string): boolean => final.has(id);
  const dependenciesOf = (id: string, step: Raw): readonly string[] => {
    const phase = isFinal(id) ? final : main;
    return listOf(step["depends_on"]).filter(
      (other): other is string => typeof other === "string" && phase.has(other),
    );
  };
  const known = new Map([...byId].map(([id, step]) => [id, dependenciesOf(id, step)]));
  const dependencies = (id: string): readonly string[] => known.get(id) ?? [];
  const waits = waitingIn(dependencies);
  const ids = [...byId.keys()];
  return {
    byId,
    ids,
    isShapeless: (id) => !isMapping(final.get(id) ?? main.get(id)),
    isFinal,
    pathOf: (id, ...rest) => [isFinal(id) ? "finally" : "steps", id, ...rest],
    dependencies,
    waitsFor: (id) => ({ has: (other) => (isFinal(id) && main.has(other)) || waits(id, other) }),
  };
}
