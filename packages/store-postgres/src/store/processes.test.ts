/** Hosts that are killed or stopped in the middle of what they do. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { seededRandom, testSeed, until } from "@agentcore/contract/testing";
import { counterOf } from "@agentcore/core/testing";
import { expect, it, onTestFinished } from "vitest";
import { createPostgresLedger } from "../ledger/postgres-ledger.ts";
import { startPostgres } from "../testing/index.ts";
import { testStores } from "../testing/test-stores.ts";

const { open, url } = testStores();
const script = fileURLToPath(new URL("../testing/store-process.ts", import.meta.url));

function start(
  act: "hold" | "freeze" | "server",
  environment: NodeJS.ProcessEnv = {},
): {
  readonly child: ChildProcess;
  readonly lines: string[];
} {
  const child = spawn(process.execPath, ["--conditions=@agentcore/source", script, act], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, STORE_URL: url(), ...environment },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return { child, lines };
}

it("of a host that is killed while it holds, exactly what it was told is there, or one call more of each kind", async () => {
  const random = seededRandom(testSeed("kills of a host"));
  const store = await open({ schema: "agentcore" });
  const ledger = createPostgresLedger(store);
  const said = new Set<string>();
  for (let kills = 0; kills < 2; kills += 1) {
    const { child, lines } = start("hold");
    const goal = 20 + Math.floor(random.next() * 60);
    await until(() => lines.length > goal);
    child.kill("SIGKILL");
    await once(child, "close");
    for (const line of lines) said.add(line);
  }
  const openIds = new Set((await ledger.openHolds()).map(({ holdId }) => holdId));
  const rows = await store.read((sql) => sql.all("SELECT hold_id, settled_at FROM ledger_holds"));
  const stored = new Map(rows.map((row) => [String(row["hold_id"]), row["settled_at"]]));
  const isTrue = (line: string): boolean => {
    const [what, id] = line.split(" ") as [string, string];
    return stored.has(id) && (what === "held" || stored.get(id) !== null);
  };
  expect([...said].filter((line) => !isTrue(line))).toEqual([]);
  // Each of two hosts had three calls under way.
  const told = [...said].filter((line) => line.startsWith("held ")).length;
  expect(stored.size - told).toBeLessThanOrEqual(6);
  for (const scope of ["job:j", "worker:w", "global"]) {
    expect(await ledger.levels([counterOf(scope, "total")])).toMatchObject([
      {
        costHeldMicroUsd: 5 * openIds.size,
        costSpentMicroUsd: 3 * (stored.size - openIds.size),
        tokensHeld: openIds.size,
      },
    ]);
  }
  await store.close();
});

it("a host that is stopped inside a transaction frees the lock after its timeout, and its write is done once when it goes on", async () => {
  const store = await open({ schema: "agentcore" });
  const { child, lines } = start("freeze");
  await until(() => lines.includes("inside"));
  child.kill("SIGSTOP");
  // While the other is stopped: the server ends its session, and with it the transaction.
  await store.write((sql) => sql.run("UPDATE store_version SET number = number + 1"));
  const numberOf = async () =>
    Number((await store.read((sql) => sql.get("SELECT number FROM store_version")))?.["number"]);
  const between = await numberOf();
  expect(between).toBeLessThan(1000);
  child.kill("SIGCONT");
  child.stdin!.write("go on\n");
  await once(child, "close");
  expect(lines.at(-1)).toBe("wrote at try 2");
  expect(await numberOf()).toBe(between + 1001);
  await store.close();
});

it("a server for tests ends with the process that started it, even if that is killed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-orphan-"));
  chmodSync(directory, 0o755);
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const { child, lines } = start("server", { TMPDIR: directory });
  await until(() => lines.length > 0);
  const { port } = new URL(lines[0]!);
  expect(await isListening(Number(port))).toBe(true);
  child.kill("SIGKILL");
  await until(async () => !(await isListening(Number(port))));
  // Its data are gone too; the empty folder may belong to another user.
  await until(() => readdirSync(directory).every((name) => readdirSync(join(directory, name)).length === 0));
});

it("the server of the npm package runs too, though only the owner may read what is written", async () => {
  const umask = process.umask(0o077);
  onTestFinished(() => void process.umask(umask));
  const server = await startPostgres({}, { from: "package" });
  onTestFinished(server.stop);
  expect(await server.newDatabase()).toContain("test_");
});

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
