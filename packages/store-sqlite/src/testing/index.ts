/** For tests of what is built on this package: faults on demand, and a check of a database's inner consistency. */
export {
  faultyDriver,
  sqliteFailure,
  type FaultPlan,
  type SqliteFailureName,
  type WriteOperation,
} from "./faulty-driver.ts";
export { stateFlaws } from "./state-flaws.ts";
