/** An API over memory stores, for tests of the API and of its clients. */
export { memoryPorts, serveTestApi, testLog, type TestApi, type TestApiOptions } from "./serve-test-api.ts";
export { testOverview } from "./test-overview.ts";
