/**
 * Runs the command line on a real terminal: a pseudo-terminal of util-linux's `script`, whose output a terminal emulator
 * draws. Tests look at the screen, type keys, change its size and ask what state the terminal is in.
 */
import xterm from "@xterm/headless";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { patienceMs } from "@agentcore/contract/testing";
import { agentcoreCommand, programEnv, type Scratch } from "./agentcore-process.ts";

export interface Pty {
  /** The visible lines, without trailing blanks. */
  screen(): string[];
  /** Whether a program uses the whole screen. */
  isAlternate(): boolean;
  isCursorShown(): boolean;
  type(keys: string): void;
  resize(columns: number, rows: number): Promise<void>;
  /** Resolves when `what` returns true for the screen. Rejects if the program ends first, or after 20 s of an idle machine. */
  until(what: (screen: string) => boolean): Promise<void>;
  /** Pid of the program on the terminal. */
  readonly pid: () => number;
  readonly finished: Promise<number | null>;
  /** Everything sent to the terminal. */
  raw(): string;
  /** Closes the terminal, which ends the program. */
  end(): void;
  /** The terminal accepts nothing more, as after Ctrl-S, until it is resumed. */
  pause(): void;
  resume(): void;
  /** `stty -a` of the terminal. */
  settings(): string;
}

export interface PtyOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** How the shell starts the command. Default: directly, in the foreground. */
  readonly shell?: (command: string) => string;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function startOnPty(scratch: Scratch, args: readonly string[], options: PtyOptions = {}): Pty {
  const { columns = 80, rows = 24, env = {}, shell = (command) => command } = options;
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const place = join(scratch.root, `pty-${Math.floor(performance.now() * 1000)}`);
  const program = [
    "sh",
    "-c",
    `echo $$ > ${quote(`${place}.pid`)}; exec "$@"`,
    "sh",
    ...agentcoreCommand,
    ...args,
  ];
  const script = [
    `tty > ${quote(`${place}.tty`)}`,
    `stty rows ${rows} cols ${columns}`,
    shell(program.map(quote).join(" ")),
    "code=$?",
    // The shell outlives the program, so that the final settings of the terminal can be read.
    `stty -a > ${quote(`${place}.stty`)}`,
    "exit $code",
  ].join("\n");
  const child = spawn("script", ["-qefc", script, "/dev/null"], {
    cwd: scratch.workspace,
    env: { ...programEnv(scratch), SHELL: "/bin/bash", TERM: "xterm-256color", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  scratch.running.add(child);
  child.once("exit", () => scratch.running.delete(child));
  let raw = "";
  const listeners = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    raw += chunk.toString();
    terminal.write(chunk, () => listeners.forEach((look) => look()));
  });
  child.stdin.on("error", () => {});
  const drawn = (): Promise<void> => new Promise((resolve) => terminal.write("", resolve));
  const finished = once(child, "close").then(async ([code]) => {
    await drawn();
    return code as number | null;
  });
  const screen = (): string[] => {
    const { active } = terminal.buffer;
    return Array.from({ length: terminal.rows }, (_, row) =>
      (active.getLine(active.viewportY + row)?.translateToString(true, 0, terminal.cols) ?? "").trimEnd(),
    );
  };
  const file = (ending: string): string => readFileSync(`${place}.${ending}`, "utf8").trim();
  return {
    screen,
    isAlternate: () => terminal.buffer.active.type === "alternate",
    isCursorShown: () => raw.lastIndexOf("\u001b[?25l") <= raw.lastIndexOf("\u001b[?25h"),
    type: (keys) => void child.stdin.write(keys),
    resize: async (newColumns, newRows) => {
      terminal.resize(newColumns, newRows);
      const stty = spawn("stty", ["-F", file("tty"), "cols", `${newColumns}`, "rows", `${newRows}`]);
      await once(stty, "close");
    },
    until: (what) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => end(new Error(`not seen in time:\n${screen().join("\n")}`)),
          patienceMs(20_000),
        );
        const look = (): void => {
          if (what(screen().join("\n"))) end();
        };
        const end = (error?: Error): void => {
          clearTimeout(timer);
          listeners.delete(look);
          if (error === undefined) resolve();
          else reject(error);
        };
        listeners.add(look);
        look();
        void finished.then((code) => {
          look();
          end(new Error(`ended with ${code} before:\n${screen().join("\n")}`));
        });
      }),
    pid: () => Number(file("pid")),
    finished,
    raw: () => raw,
    end: () => void child.kill(),
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    settings: () => file("stty"),
  };
}
