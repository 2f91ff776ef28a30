/** A scripted model server for tests of agent CLIs. See README.md. */
export { startModelServer, type ModelServer, type ModelServerOptions, type RunOptions } from "./server.ts";
export { startRefusingPort, type RefusingPort } from "./refusing-port.ts";
export { turnsSchema, type Script, type Turn, type Usage, type NeutralToolCall } from "./script.ts";
export type { RecordedRequest, Run } from "./run.ts";
export type { ModelRequest, OfferedTool, ProtocolName } from "./request.ts";
