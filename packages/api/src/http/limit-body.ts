/** Refuses a body above the limit while it arrives, whether or not its length is announced. */
import { AgentCoreError } from "@agentcore/contract";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ApiEnv } from "../operation.ts";

export function limitBody(bytesMax: number): MiddlewareHandler<ApiEnv> {
  return bodyLimit({
    maxSize: bytesMax,
    onError: () => {
      throw new AgentCoreError("AC_API_TOO_LARGE", `the body has more than ${bytesMax} bytes`, {
        evidence: { limit: bytesMax },
      });
    },
  });
}
