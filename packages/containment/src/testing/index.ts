/** For tests: a hostile worker, a view from outside, and the conformance suite that every implementation passes. */
export {
  endings,
  runCase,
  type ConformanceCase,
  type ConformanceResult,
  type Ending,
} from "./conformance.ts";
export {
  armedLine,
  hostileCommand,
  hostileKinds,
  type HostileEnding,
  type HostileOptions,
} from "./hostile-worker.ts";
export { isReleased, sightings, type Sighting } from "./outside.ts";
export { brokenPromises, promises } from "./promises.ts";
