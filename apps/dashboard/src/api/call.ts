/** Requests to the daemon. A refused token leads back to sign-in. */
import type { ErrorDocument, Printed } from "@agentcore/contract";
import { signOut, token } from "./token.ts";

export class ApiError extends Error {
  override readonly name = "ApiError";
  /** Of the error catalog, or `unreachable`. */
  readonly code: string;
  /** What to do about it; may be empty. */
  readonly cure: string;
  /** Of the answer; 0: there was none. */
  readonly status: number;

  constructor(code: string, message: string, { cure, status }: { cure: string; status: number }) {
    super(message);
    this.code = code;
    this.cure = cure;
    this.status = status;
  }
}

/** A daemon that is stopped takes connections and answers nothing. Changes have no limit here: a stop takes its time. */
const readMsMax = 15_000;

export type Query = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly string[]>
>;

/** A page of a list. */
export interface ListDocument<T> {
  readonly items: readonly T[];
  /** Null: this was the last. */
  readonly next: string | number | null;
}

/**
 * `T`: the document as the contract has it; moments are texts in ISO 8601 here. Rejects with `ApiError`, or with the reason of
 * `signal`. Values that are null, undefined or empty are left out. */
export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Printed<T>> {
  const late = AbortSignal.timeout(readMsMax);
  const either = signal === undefined ? late : AbortSignal.any([signal, late]);
  return call<T>(`${path}${queryText(query)}`, { signal: either }, token.peek());
}

/** As `get`, with a token that is not kept yet. */
export function getWith<T>(token: string, path: string): Promise<Printed<T>> {
  return call<T>(path, { signal: AbortSignal.timeout(readMsMax) }, token);
}

/** Rejects with `ApiError`. */
export function post<T>(path: string, body: object = {}): Promise<Printed<T>> {
  const headers = { "content-type": "application/json" };
  return call<T>(path, { method: "POST", body: JSON.stringify(body), headers }, token.peek());
}

/** With the question mark, or nothing. A list gives its name once for each value. */
function queryText(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") search.append(name, String(each));
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

async function call<T>(url: string, init: RequestInit, used: string | null): Promise<Printed<T>> {
  const headers = {
    ...(init.headers as Record<string, string> | undefined),
    ...(used === null ? {} : { authorization: `Bearer ${used}` }),
  };
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers, cache: "no-store", credentials: "omit" });
    // The daemon may go away in the middle of its answer.
    if (response.ok) return (await response.json()) as Printed<T>;
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    if (init.signal?.aborted === true && !isLate) throw error;
    throw new ApiError("unreachable", "The daemon does not answer.", {
      cure: "Look whether it runs; agentcored FILE starts it.",
      status: 0,
    });
  }
  const error = await errorOf(response);
  if (error.status === 401 && used !== null && token.peek() === used) signOut(error.message);
  throw error;
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const { code, message, cure } = (await response.json()) as ErrorDocument;
    return new ApiError(code, message, { cure, status });
  } catch {
    return new ApiError("unreachable", `The daemon answered ${status} with no reason.`, {
      cure: "Something between the browser and the daemon may have answered instead.",
      status,
    });
  }
}

export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError
    ? error
    : new ApiError("page", error instanceof Error ? error.message : String(error), {
        cure: "Load the page again.",
        status: 0,
      });
