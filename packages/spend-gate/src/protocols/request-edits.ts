/** Changes single fields of a request's body. Every other byte stays, so fields that the gate does not know pass unchanged. */
import {
  answersOf,
  type FieldPlaces,
  readParts,
  type RequestFields,
  thinkingMin,
  tokensAt,
} from "./request-reader.ts";

/** Replaces the bytes from `start` to `end`. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Limits the output of all answers together. `added` is the field that a request without a limit gets. A budget for thinking is
 * a part of the output, so it is lowered with it.
 */
export function limitOutput(
  body: Uint8Array,
  tokens: number,
  names: RequestFields,
  added: (model: string | null) => string,
): Uint8Array {
  const parts = readParts(body, names);
  if (parts === null) return body;
  const { fields, request } = parts;
  const limit = Math.max(Math.floor(tokens / answersOf(fields, names)), 1);
  const edits = names.maxOutput.flatMap((path) => replaceValue(fields, path, String(limit)));
  if (edits.length === 0)
    edits.push(insertField(body, fields, "", `${JSON.stringify(added(request.model))}:${limit}`));
  const thinking = tokensAt(fields, "/thinking/budget_tokens");
  if (thinking !== null && thinking >= limit)
    edits.push(
      ...replaceValue(
        fields,
        "/thinking/budget_tokens",
        String(Math.max(limit - 1, Math.min(thinking, thinkingMin))),
      ),
    );
  return withEdits(body, edits);
}

/** Asks a stream of Chat Completions to report its usage. */
export function askForUsage(body: Uint8Array, names: RequestFields): Uint8Array {
  const parts = readParts(body, names);
  if (parts === null || !parts.request.isStream) return body;
  const { fields } = parts;
  const usage = fields.get("/stream_options/include_usage");
  if (usage?.scalar?.kind === "true") return body;
  if (usage !== undefined)
    return withEdits(body, replaceValue(fields, "/stream_options/include_usage", "true"));
  const options = fields.get("/stream_options");
  if (options === undefined)
    return withEdits(body, [insertField(body, fields, "", '"stream_options":{"include_usage":true}')]);
  return withEdits(
    body,
    options.scalar === null
      ? [insertField(body, fields, "/stream_options", '"include_usage":true')]
      : replaceValue(fields, "/stream_options", '{"include_usage":true}'),
  );
}

/** Nothing if the field is missing or is no single value; the provider refuses such a request. */
function replaceValue(fields: FieldPlaces, path: string, text: string): Edit[] {
  const place = fields.get(path);
  return place === undefined || place.scalar === null ? [] : [{ start: place.start, end: place.end, text }];
}

/** As the first field of the object. */
function insertField(body: Uint8Array, fields: FieldPlaces, object: string, member: string): Edit {
  const at = (fields.get(object)?.start ?? 0) + 1;
  let next = at;
  while (next < body.length && (body[next] ?? 0) <= 0x20) next++;
  return { start: at, end: at, text: body[next] === 0x7d ? member : `${member},` };
}

function withEdits(body: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(body.subarray(from, edit.start), Buffer.from(edit.text));
    from = edit.end;
  }
  parts.push(body.subarray(from));
  return Buffer.concat(parts);
}
