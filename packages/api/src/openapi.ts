/** The OpenAPI document of the API, made from the schemas of its operations. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { components } from "./components.ts";
import type { ApiApp, ApiEnv } from "./operation.ts";
import { addOperations, type OperationOptions } from "./routes/operations.ts";

/** Of an application with all operations. */
export function openApiOf(app: ApiApp): object {
  const { openAPIRegistry: registry } = app;
  for (const [name, schema] of Object.entries(components()))
    registry.registerComponent("schemas", name, schema);
  registry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "A token of `agentcore token create`. The Unix socket needs none.",
  });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "AgentCore",
      version: "1",
      description:
        "The API of the AgentCore daemon. Each answer is a document, in the form of `agentcore … --json`.",
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
  });
}

/** Without a daemon. */
export function openApiDocument(): object {
  const app: ApiApp = new OpenAPIHono<ApiEnv>();
  // Only an answer would use them.
  addOperations(app, { ports: {}, clock: {}, hub: {} } as OperationOptions);
  return openApiOf(app);
}
