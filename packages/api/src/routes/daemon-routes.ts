/** The operations on the daemon as a whole. */
import { holdsMax, reasonSchema, spendQuerySchema, type Clock } from "@agentcore/contract";
import { listDocument, listOf, one, operation, type ApiApp } from "../operation.ts";
import type { DaemonPort } from "../ports.ts";
import { spendDocument, spendRange } from "../spend.ts";
import type { RouteOptions } from "./route-options.ts";

const group = "Daemon";

export function addDaemonRoutes(app: ApiApp, { ports: { daemon }, clock }: RouteOptions): void {
  addStateRoutes(app, daemon);
  addMoneyRoutes(app, daemon);
  addSpendRoute(app, daemon, clock);
  addEndRoutes(app, daemon);
}

function addStateRoutes(app: ApiApp, daemon: DaemonPort): void {
  operation(
    app,
    {
      id: "health",
      method: "get",
      path: "/v1/health",
      group,
      summary: "The process answers. Needs no token.",
      isOpen: true,
      answer: one("Health"),
    },
    () => ({ type: "health", ok: true }),
  );

  operation(
    app,
    {
      id: "readiness",
      method: "get",
      path: "/v1/readiness",
      group,
      summary: "Whether new work is taken. The status is 503 if it is not. Needs no token.",
      isOpen: true,
      answer: one("Readiness"),
      statusOf: (document) => ("ready" in document && document.ready === true ? 200 : 503),
    },
    async () => ({ type: "readiness", ...(await daemon.readiness()) }),
  );

  operation(
    app,
    {
      id: "version",
      method: "get",
      path: "/v1/version",
      group,
      summary: "Which version runs, since when, and what the caller may do.",
      answer: one("Version"),
    },
    ({ context }) => ({ type: "version", ...daemon.version(), scope: context.get("scope") ?? "operate" }),
  );

  operation(
    app,
    {
      id: "showOverview",
      method: "get",
      path: "/v1/overview",
      group,
      summary:
        "Shows what runs, what waits and why, what needs a person, and what is spent, in one document.",
      answer: one("Overview"),
    },
    () => daemon.overview(),
  );
}

function addMoneyRoutes(app: ApiApp, daemon: DaemonPort): void {
  operation(
    app,
    {
      id: "listBudgets",
      method: "get",
      path: "/v1/budgets",
      group,
      summary: "Lists every cost and token limit, and how much of it is held, spent and left.",
      answer: listOf("Budget"),
    },
    async () => {
      const budgets = await daemon.budgets();
      return listDocument({ items: budgets.map((each) => ({ type: "budget", ...each })), next: null });
    },
  );

  operation(
    app,
    {
      id: "listHolds",
      method: "get",
      path: "/v1/holds",
      group,
      summary: `Lists what attempts that have not ended hold of the budgets, and whether their runtime lives; the oldest ${holdsMax}.`,
      answer: listOf("Hold"),
    },
    async () => listDocument({ items: await daemon.holds(), next: null }),
  );

  operation(
    app,
    {
      id: "showPricing",
      method: "get",
      path: "/v1/pricing",
      group,
      summary: "Shows what a run costs whose model has no price.",
      answer: one("Pricing"),
    },
    () => ({ type: "pricing", ...daemon.pricing() }),
  );
}

function addSpendRoute(app: ApiApp, daemon: DaemonPort, clock: Clock): void {
  operation(
    app,
    {
      id: "listSpend",
      method: "get",
      path: "/v1/spend",
      group,
      summary:
        "Shows what was spent in each hour or day, and by which worker; at most 750 of them. Also what the calls through the spend gate cost, by worker, model and tenant.",
      query: spendQuerySchema,
      answer: one("Spend"),
    },
    async ({ query }) => {
      const range = spendRange(query, clock.now());
      const [levels, metered] = await Promise.all([daemon.spend(range), daemon.callSpend(range)]);
      return spendDocument(range, levels, metered);
    },
  );
}

function addEndRoutes(app: ApiApp, daemon: DaemonPort): void {
  operation(
    app,
    {
      id: "drain",
      method: "post",
      path: "/v1/drain",
      group,
      summary: "Takes no more work, lets what runs end within the grace period, and then ends the daemon.",
      status: 202,
      answer: one("Drain"),
    },
    async () => ({ type: "drain", ...(await daemon.drain()) }),
  );

  operation(
    app,
    {
      id: "stopAll",
      method: "post",
      path: "/v1/stop",
      group,
      summary:
        "Pauses every trigger and cancels every run and every job. Answers with the receipt once nothing runs, or with what survived.",
      body: reasonSchema,
      answer: one("Stop"),
    },
    async ({ body: { reason = "stopped by request" } }) => ({
      type: "stop",
      ...(await daemon.stopAll(reason)),
    }),
  );
}
