/**
 * Shell text, terminal escapes and template syntax in every field of every type of event, through a real daemon: no value ever
 * runs as a command, each arrives whole, and no escape reaches a log or a screen.
 */
import { createClient } from "@agentcore/client";
import { unprintable } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, makeScratch } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, type StartedDaemon } from "../testing/daemon-process.ts";

/** Is there once any of the texts below has run. */
const canary = "pwned";
const escapes = "\u001B]0;title\u0007\u001B[31m\u009B31m\u202E";
const shell = [
  `$(touch ${canary})`,
  `\`touch ${canary}\``,
  `"; touch ${canary}; "`,
  `'; touch ${canary}; '`,
  `| touch ${canary} & touch ${canary} #`,
  `a[$(touch ${canary})]`,
  `\${x:-$(touch ${canary})}`,
  `$'\\x60touch ${canary}\\x60'`,
  "{{event}} {{trigger_id}} ${{ inputs.x }} ${AGENTCORE_EVENT} $HOME \\",
].join(" ");
const hostile = `-n ${shell}\n${escapes}\nEOF\ntouch ${canary}\nEOF\n${shell}`;
/** For names of files. */
const hostileName = hostile.replaceAll("/", "_").slice(0, 200);
/** For headers and keys, which hold one line of Latin-1 without control characters. */
const hostileLine = `${shell} \u009B31m`;
/** Signs that a header's name may have. */
const hostileHeader = `x-\`touch$IFS'${canary}'\``.toLowerCase();

const scratch = makeScratch();
let daemon: StartedDaemon;

interface Row {
  readonly id: string;
  /** Of the event, in the daemon file. */
  readonly source: string;
  /** Makes one event. */
  readonly send: () => Promise<unknown>;
  /** Fields of the event, and what they hold; undefined: anything. */
  readonly fields: Readonly<Record<string, string | undefined>>;
}

const client = () => createClient({ url: `unix://${daemon.socket}` });
const slots = { from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:01:00Z" };
const json = (value: unknown): string => JSON.stringify(value);
const body = { [hostile]: hostile, text: hostile, list: [hostile], deep: { a: { b: hostile } } };
const chain = encodeURIComponent(hostile.slice(0, 190));
const query = `a=${shell.replaceAll(" ", "%20").replaceAll("#", "")}`;

const rows: readonly Row[] = [
  {
    id: "interval",
    source: "type: interval, every: 1h",
    send: () =>
      client().backfillTrigger("interval", { from: "2026-01-01T00:00:00Z", to: "2026-01-01T01:00:00Z" }),
    fields: { firedAt: undefined },
  },
  {
    id: "cron",
    source: 'type: cron, schedule: "* * * * *", timezone: UTC',
    send: () => client().backfillTrigger("cron", slots),
    fields: { schedule: "* * * * *", firedAt: undefined },
  },
  {
    id: "files",
    source: 'type: fswatch, paths: ["in/**"]',
    send: async () => writeFileSync(join(scratch.workspace, "in", hostileName), hostile),
    fields: {
      "changes.0.path": `in/${hostileName}`,
      changes: json([{ path: `in/${hostileName}`, event: "create" }]),
    },
  },
  {
    id: "hook",
    source: "type: webhook, path: /hook, port: 0",
    send: () =>
      post(daemon.ports["hook"]!, `/hook?${query}`, json(body), {
        "content-type": "application/json",
        "user-agent": hostileLine,
        "x-github-delivery": shell.slice(0, 150),
        "x-agentcore-chain": `${chain}/${chain}/${chain}`,
        [hostileHeader]: hostileLine,
      }),
    fields: {
      "body.text": hostile,
      "body.list.0": hostile,
      "body.deep.a.b": hostile,
      body: json(body),
      "headers.user-agent": hostileLine,
      headers: undefined,
      query,
      path: "/hook",
    },
  },
  {
    id: "text-hook",
    source: "type: webhook, path: /text, port: 0, method: PUT",
    send: () => post(daemon.ports["text-hook"]!, "/text", hostile, {}, "PUT"),
    fields: { body: hostile, method: "PUT" },
  },
  {
    id: "poll",
    source: "type: command, command: cat printed 2>/dev/null, interval: 1s",
    send: async () => writeFileSync(join(scratch.workspace, "printed"), hostile),
    fields: { stdout: hostile, exitCode: "0" },
  },
  {
    id: "topic",
    source: "type: queue, topic: orders",
    send: () =>
      client().emitEvent("orders", {
        payload: body,
        key: hostileLine.slice(0, 150).replace(unprintable, ""),
      }),
    fields: { text: hostile, "list.0": hostile, deep: json(body.deep) },
  },
];

/** Writes each field as it arrives at each kind of place of a script, and then the file that says so. */
function scriptOf({ id, fields }: Row, file: string): string {
  const places = Object.keys(fields).flatMap((field) => {
    const value = `{{event.${field}}}`;
    return [
      `printf '%s\\0' "${value}" '${value}' >> ${file}.part`,
      `x=${value}; printf '%s\\0' "$x" >> ${file}.part`,
      `cat <<EOF >> ${file}.part\n${value}\nEOF`,
      `printf '\\0' >> ${file}.part`,
      `: ${value} "$(printf %s "${value}")"`,
    ];
  });
  const others = ["event", "last_result", "timestamp", "trigger_id", "workspace", "execution_count"];
  const all = others.map((name) => `: {{${name}}} "{{${name}}}" '{{${name}}}'`);
  return [...places, ...all, `test {{trigger_id}} = ${id}`, `mv ${file}.part ${file}`].join("\n");
}

function triggerOf(row: Row): string {
  const work = (file: string, more = "") =>
    `{ worker: shell, capabilities: [RUN_COMMANDS], instructions: ${json(scriptOf(row, file) + more)} }`;
  const steps = `\n: {{steps}} "{{workflow_status}}"\nprintf '%s' '{{steps.a.outputs.said}}' > steps-${row.id}.part\nmv steps-${row.id}.part steps-${row.id}`;
  return `  ${row.id}:
    on: ${row.id}
    workflow: flow.yaml
    key: "{{event.text}}{{event.body.text}}{{event.stdout}}"
    evaluate: ${work(`asked-${row.id}`)}
    analyze: ${work(`analyzed-${row.id}`, steps)}
    context: { event_payload: true, last_result: true }
`;
}

/** As it is, byte by byte: no client library corrects it. Resolves with the status line. */
async function post(
  port: number,
  path: string,
  content: string,
  headers: Readonly<Record<string, string>>,
  method = "POST",
): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const bytes = Buffer.from(content);
  const all = { host: "x", connection: "close", "content-length": String(bytes.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"));
  socket.write(bytes);
  const [status = ""] = (await textOf(socket)).split("\r\n");
  return status;
}

const read = (name: string): string => readFileSync(join(scratch.workspace, name), "utf8");
const isThere = (name: string): boolean => existsSync(join(scratch.workspace, name));

/** Control characters but the ends of lines, and everything else that changes what a terminal shows. */
const unprintableIn = (shown: string): readonly string[] =>
  shown.replaceAll("\n", "").match(unprintable) ?? [];

beforeAll(async () => {
  mkdirSync(join(scratch.workspace, "in"));
  writeFileSync(join(scratch.workspace, "hostile"), hostile);
  const step =
    '{ echo "said<<END__"; cat hostile; echo; echo END__; } >> "$AGENTCORE_OUTPUT"; echo "$AGENTCORE_CHAIN" >> chains';
  writeFileSync(
    join(scratch.workspace, "flow.yaml"),
    `name: flow\nversion: "1"\ntimeout: 5m\nsteps:\n  a: { worker: shell, capabilities: [RUN_COMMANDS], outputs: [{ name: said, value: true }], instructions: ${json(step)} }\n`,
  );
  const events = rows.map(({ id, source }) => `  ${id}: { ${source} }\n`).join("");
  writeDaemonFile(scratch, `events:\n${events}triggers:\n${rows.map(triggerOf).join("")}`);
  daemon = await startDaemon(scratch);
});
afterAll(() => scratch.remove());

it.each(rows.map((row) => [row.id, row] as const))(
  "whatever an event of %s says is data in every place of a script, before and after the run",
  async (id, { send, fields }) => {
    await send();
    await until(() => isThere(`asked-${id}`) && isThere(`analyzed-${id}`) && isThere(`steps-${id}`));
    const expected = Object.values(fields).flatMap((value) => [
      value,
      value,
      value,
      value === undefined ? value : `${value}\n`,
    ]);
    for (const file of [`asked-${id}`, `analyzed-${id}`]) {
      const seen = read(file).split("\0").slice(0, -1);
      expect(seen).toHaveLength(expected.length);
      for (const [index, value] of expected.entries())
        if (value !== undefined) expect(seen[index]).toBe(value);
    }
    expect(read(`steps-${id}`)).toBe(hostile);
  },
);

it("requests that are refused, and what the daemon knows of the others, reach logs and screens without escapes", async () => {
  const port = daemon.ports["hook"]!;
  const path = `/${shell.replaceAll(" ", "%20").replaceAll("#", "")}`;
  expect(await post(port, path, "", {})).toContain("404");
  expect(await post(port, `/hook`, "{", { "content-type": "application/json" })).toContain("400");
  expect(await post(port, "/hook", "", { "x-agentcore-chain": hostileLine })).toContain("400");
  expect(await post(port, `/hook${escapes}`, "", {})).toContain("4");
  expect(await post(port, "/hook", "", { [`x${escapes}`]: escapes })).toContain("400");
  await expect(client().emitEvent(hostile, { payload: 1 })).rejects.toMatchObject({ code: /^AC_/ });
  await expect(client().emitEvent("orders", { payload: 1, key: hostile })).rejects.toMatchObject({
    code: /^AC_/,
  });
  const state = ["--state-dir", scratch.stateDir];
  const screens = [
    ["trigger", "list"],
    ...rows.map(({ id }) => ["trigger", "show", id]),
    ["jobs", "list"],
    ["workflow", "list"],
    ["workflow", "show", "@last"],
    ["workflow", "show", "@last", "--json"],
    ["trigger", "show", "hook", "--json"],
    ["jobs", "show", "@last"],
    ["trigger", "replay", hostile],
    ["emit", hostile, "1"],
  ];
  for (const words of screens) {
    const { stdout, stderr } = await agentcore(scratch, [...words, ...state]);
    expect([words[1], unprintableIn(stdout + stderr)]).toEqual([words[1], []]);
  }
  await daemon.kill("SIGTERM");
  const { stderr } = await daemon.finished;
  expect(unprintableIn(stderr)).toEqual([]);
  const found = readdirSync(scratch.root, { recursive: true, encoding: "utf8" }).map((name) =>
    basename(name),
  );
  expect(found).not.toContain(canary);
  expect(read("chains")).toContain(chain);
});
