/** What templates may refer to, by the place of the template. */

const ofEvent = ["event", "trigger_id"] as const;
const ofGate = [...ofEvent, "last_result", "timestamp", "workspace", "execution_count"] as const;
const ofAnalysis = [...ofGate, "workflow_status", "steps", "context_dir"] as const;

/** Names of the values, by the setting that holds the template. */
export const templateVariables = { key: ofEvent, evaluate: ofGate, analyze: ofAnalysis } as const;

export type TemplateVariable = (typeof ofAnalysis)[number];

/** Values with fields, such as `event.body`; the others are single texts. */
export const structured: ReadonlySet<string> = new Set<TemplateVariable>(["event", "last_result", "steps"]);
