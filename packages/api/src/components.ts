/** The schemas of the OpenAPI document: the documents of the contract, in their printed form. */
import {
  acceptedDocumentSchema,
  approvalDocumentSchema,
  artifactChunkDocumentSchema,
  budgetDocumentSchema,
  cancelDocumentSchema,
  countDocumentSchema,
  documentSchema,
  drainDocumentSchema,
  errorDocumentSchema,
  firingDocumentSchema,
  healthDocumentSchema,
  holdDocumentSchema,
  jobBatchSchema,
  jobDecisionsDocumentSchema,
  jobDetailsDocumentSchema,
  jobDocumentSchema,
  jobSubmissionSchema,
  logChunkDocumentSchema,
  overviewDocumentSchema,
  pricingDocumentSchema,
  purgedDocumentSchema,
  queueDocumentSchema,
  readinessDocumentSchema,
  replayedDocumentSchema,
  resultLineSchema,
  runDetailsDocumentSchema,
  runDocumentSchema,
  runGraphDocumentSchema,
  runStepDocumentSchema,
  spendDocumentSchema,
  startedDocumentSchema,
  stopDocumentSchema,
  submittedDocumentSchema,
  triggerDetailsDocumentSchema,
  triggerDocumentSchema,
  triggerEventDocumentSchema,
  versionDocumentSchema,
  versionedSchema,
  workflowLogDocumentSchema,
} from "@agentcore/contract";
import * as z from "zod";

const documents = {
  Accepted: acceptedDocumentSchema,
  Approval: approvalDocumentSchema,
  ArtifactChunk: artifactChunkDocumentSchema,
  Budget: budgetDocumentSchema,
  Cancel: cancelDocumentSchema,
  Count: countDocumentSchema,
  Drain: drainDocumentSchema,
  Error: errorDocumentSchema,
  Firing: firingDocumentSchema,
  Health: healthDocumentSchema,
  Hold: holdDocumentSchema,
  Job: jobDocumentSchema,
  JobDecisions: jobDecisionsDocumentSchema,
  JobDetails: jobDetailsDocumentSchema,
  LogChunk: logChunkDocumentSchema,
  Overview: overviewDocumentSchema,
  Pricing: pricingDocumentSchema,
  Purged: purgedDocumentSchema,
  Queue: queueDocumentSchema,
  Readiness: readinessDocumentSchema,
  Replayed: replayedDocumentSchema,
  Result: resultLineSchema,
  Run: runDocumentSchema,
  RunDetails: runDetailsDocumentSchema,
  RunGraph: runGraphDocumentSchema,
  RunStep: runStepDocumentSchema,
  Spend: spendDocumentSchema,
  Started: startedDocumentSchema,
  Stop: stopDocumentSchema,
  Submitted: submittedDocumentSchema,
  Trigger: triggerDocumentSchema,
  TriggerDetails: triggerDetailsDocumentSchema,
  TriggerEvent: triggerEventDocumentSchema,
  Version: versionDocumentSchema,
  WorkflowLog: workflowLogDocumentSchema,
};

const requests = { JobSubmission: jobSubmissionSchema, JobBatch: jobBatchSchema };

export type ComponentName = keyof typeof documents | keyof typeof requests;

/** By name. In lists a document stands without its version. */
export function components(): Readonly<Record<string, object>> {
  const answers = Object.entries(documents).map(([name, schema]) => {
    const printed = documentSchema(plain(z.toJSONSchema(schema)));
    const { properties, required } = versionedSchema(printed) as { properties: object; required: string[] };
    return [name, { ...printed, properties, required: required.filter((field) => field !== "v") }] as const;
  });
  const asked = Object.entries(requests).map(
    ([name, schema]) => [name, plain(z.toJSONSchema(schema, { io: "input" }))] as const,
  );
  return Object.fromEntries([...answers, ...asked]);
}

function plain({ $schema: _dialect, ...schema }: z.core.JSONSchema.BaseSchema): Record<string, unknown> {
  return schema;
}
