/** What a run sends to its provider: calls in lanes, which are parallel as sub-agents are. */
import { ignore, type CancelSignal, type SpendGateAccess } from "@agentcore/contract";
import { type CallScript, scriptedModel, scriptHeader } from "./scripted-provider.ts";

export interface PlannedCall {
  readonly script: CallScript;
  /** Length of the text of the request. */
  readonly inputBytes: number;
  /** The output that it asks for. */
  readonly maxTokens: number;
  /** The worker closes the connection after its first bytes. */
  readonly breaksOff: boolean;
}

export interface PlannedRun {
  readonly id: string;
  readonly tenant: string;
  readonly ceilingUsd: number;
  /** Calls of a lane follow each other. */
  readonly lanes: readonly (readonly PlannedCall[])[];
}

/** Each lane ends with its first call that is refused or cut. */
export async function sendCalls(
  { lanes }: PlannedRun,
  access: SpendGateAccess,
  signal: CancelSignal,
): Promise<void> {
  await Promise.all(
    lanes.map(async (calls) => {
      for (const call of calls) if (!(await send(call, access, signal))) break;
    }),
  );
}

/** Whether the response came as far as the worker wanted it. */
async function send(
  { script, inputBytes, maxTokens, breaksOff }: PlannedCall,
  { url, key }: SpendGateAccess,
  signal: CancelSignal,
): Promise<boolean> {
  const question = `${script.inputTokens} `.padEnd(inputBytes, "text ");
  try {
    const response = await fetch(`${url}/v1/messages`, {
      method: "POST",
      headers: {
        "x-api-key": key,
        "content-type": "application/json",
        [scriptHeader]: JSON.stringify(script),
      },
      body: JSON.stringify({
        model: scriptedModel,
        max_tokens: maxTokens,
        stream: true,
        messages: [{ role: "user", content: question }],
      }),
      signal: signal.abortSignal,
    });
    if (response.status !== 200 || response.body === null) {
      await response.text();
      return false;
    }
    let end = "";
    for await (const bytes of response.body) {
      if (breaksOff) return true;
      end = (end + Buffer.from(bytes).toString("latin1")).slice(-200);
    }
    return end.includes('"type":"message_stop"');
  } catch (error) {
    ignore(error, "the gate ended the connection, or the run is stopped");
    return false;
  }
}
