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

/** `refused`: by the gate. `broken`: the response did not reach its end. */
export interface CallEnding {
  readonly call: PlannedCall;
  readonly kind: "whole" | "broken off" | "refused" | "broken";
}

/** Each lane ends with its first refusal. */
export async function sendCalls(
  { lanes }: PlannedRun,
  access: SpendGateAccess,
  signal: CancelSignal,
): Promise<CallEnding[]> {
  const ended = await Promise.all(
    lanes.map(async (calls) => {
      const endings: CallEnding[] = [];
      for (const call of calls) {
        const kind = await send(call, access, signal);
        endings.push({ call, kind });
        if (kind === "refused" || kind === "broken") break;
      }
      return endings;
    }),
  );
  return ended.flat();
}

async function send(
  { script, inputBytes, maxTokens, breaksOff }: PlannedCall,
  { url, key }: SpendGateAccess,
  signal: CancelSignal,
): Promise<CallEnding["kind"]> {
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
      return "refused";
    }
    let end = "";
    for await (const bytes of response.body) {
      if (breaksOff) return "broken off";
      end = (end + Buffer.from(bytes).toString("latin1")).slice(-200);
    }
    return end.includes('"type":"message_stop"') ? "whole" : "broken";
  } catch (error) {
    ignore(error, "the gate ended the connection, or the run is stopped");
    return "broken";
  }
}
