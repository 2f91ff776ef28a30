/**
 * `node main.ts run ID TASK` runs the workflow, or joins it if it has begun; `node main.ts cancel ID` cancels it. TASK is the
 * task of the job as JSON. The database of DBOS and the daemon come from the environment.
 */
import { cancelActivity } from "@agentcore/activity";
import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";
import { core } from "./core.ts";
import { implement } from "./workflow.ts";

const [command, workflowID, task] = process.argv.slice(2);
const systemDatabaseUrl = process.env["DBOS_SYSTEM_DATABASE_URL"];
if (workflowID === undefined || systemDatabaseUrl === undefined)
  throw new TypeError("usage: DBOS_SYSTEM_DATABASE_URL=postgres://… node main.ts run|cancel ID [TASK]");

if (command === "cancel") {
  const client = await DBOSClient.create({ systemDatabaseUrl });
  await client.cancelWorkflow(workflowID);
  // A step that runs hears of it within a second. If no process runs the workflow, only this stops its job.
  await cancelActivity(core, { activityId: `${workflowID}/implement` });
  await client.destroy();
} else {
  DBOS.setConfig({ name: "agents", systemDatabaseUrl, logLevel: "error" });
  // Continues the workflows that an earlier process left.
  await DBOS.launch();
  const handle = await DBOS.startWorkflow(implement, { workflowID })(JSON.parse(task ?? "{}"));
  console.log("started");
  try {
    console.log(JSON.stringify(await handle.getResult()));
  } catch (error) {
    console.log(JSON.stringify({ failed: error instanceof Error ? error.message : String(error) }));
    process.exitCode = 1;
  }
  await DBOS.shutdown();
}
