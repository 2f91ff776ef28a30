/** All operations of the API. */
import type { ApiApp } from "../operation.ts";
import type { EventHub } from "../stream/event-hub.ts";
import { addDaemonRoutes } from "./daemon-routes.ts";
import { addDeadLetterRoutes } from "./dead-letter-routes.ts";
import { addEventRoutes } from "./event-routes.ts";
import { addJobRoutes } from "./job-routes.ts";
import type { RouteOptions } from "./route-options.ts";
import { addTriggerRoutes } from "./trigger-routes.ts";
import { addWorkflowRoutes } from "./workflow-routes.ts";

export interface OperationOptions extends RouteOptions {
  readonly hub: EventHub;
}

export function addOperations(app: ApiApp, options: OperationOptions): void {
  addJobRoutes(app, options);
  addDeadLetterRoutes(app, options);
  addWorkflowRoutes(app, options);
  addTriggerRoutes(app, options);
  addEventRoutes(app, options.hub);
  addDaemonRoutes(app, options);
}
