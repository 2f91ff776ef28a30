/** Starts the service: `node main.ts`. SIGTERM and Ctrl-C end it; unfinished jobs stay in the queue for the next start. */
import { createAgentCore } from "agentcore";
import { buildService } from "./service.ts";

const core = await createAgentCore({
  stateDir: process.env["STATE_DIR"] ?? "state",
  config: { limits: { global: { concurrency: 4, cost_usd: { day: 50 } } } },
});
const app = buildService(core);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void app.close());
console.log(await app.listen({ host: "127.0.0.1", port: Number(process.env["PORT"] ?? 3000) }));
