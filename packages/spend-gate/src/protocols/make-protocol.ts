/** What the three protocols do in the same way, from what differs between them. */
import type { ProviderProtocol } from "@agentcore/contract";
import type { CallRequest, Protocol } from "./protocol.ts";
import { endOfCut, malformedBody, refusal } from "./refusals.ts";
import { limitOutput } from "./request-edits.ts";
import { readParts, type RequestFields } from "./request-reader.ts";
import { createResponseMeter, type UsageReader } from "./response-meter.ts";
import { routeOf } from "./routes.ts";

export interface ProtocolParts {
  readonly name: ProviderProtocol;
  readonly fields: RequestFields;
  /** The field that limits the output of a request which sets no limit. */
  readonly limitField: (model: string | null) => string;
  /** Default: every response reports its usage unasked. */
  readonly withUsage?: Protocol["withUsage"];
  /** A new reader of one response. */
  readonly reader: (request: CallRequest | null) => UsageReader;
}

export function makeProtocol({ name, fields, limitField, withUsage, reader }: ProtocolParts): Protocol {
  return {
    name,
    route: (method, path, headers) => routeOf(name, method, path, headers),
    readRequest: (body) => readParts(body, fields)?.request ?? null,
    withMaxOutput: (body, tokens) => limitOutput(body, tokens, fields, limitField),
    withUsage: withUsage ?? ((body) => body),
    meter: (contentType, request) => createResponseMeter(contentType, reader(request ?? null)),
    refusal: (reason) => refusal(name, reason),
    malformed: () => malformedBody(name),
    cut: (reason) => ({ bytes: endOfCut(name, reason), afterwards: refusal(name, reason) }),
  };
}
