/** What the operations share. */
import type { Clock } from "@agentcore/contract";
import * as z from "zod";
import type { ApiPorts } from "../ports.ts";

export interface RouteOptions {
  readonly ports: ApiPorts;
  readonly clock: Clock;
}

export const idParams = z.strictObject({ id: z.string().min(1).max(512) });
