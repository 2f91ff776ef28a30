/** Runs that get nowhere, and runs that have finished and do not exit. */
import type { WorkerEvent } from "@agentcore/contract";
import { Life } from "./life.ts";
import { finished, stuck, type Trace } from "./trace.ts";

const hours3 = 3 * 3600;
const stderr: WorkerEvent = { type: "stderr", text: "keep-alive" };
const life = (): Life => new Life().wait(2).start();

const silent: readonly Trace[] = [
  stuck("claude", "hangs at its start, before any event or call", new Life()),
  stuck("codex", "reads a stdin that is never closed", new Life()),
  stuck("opencode", "hangs at its start, before any event or call", new Life()),
  stuck("codex", "nothing comes after the start of the turn", life()),
  stuck("claude", "a deadlock between two calls", life().turns(6)),
  stuck("codex", "a deadlock between two calls", life().turns(6)),
  stuck(
    "claude",
    "the socket is closed, and it does nothing about it",
    life().turns(2).open().wait(4).firstByte().wait(9).close(),
  ),
  stuck(
    "codex",
    "an error event and no terminal event",
    life().turns(2).says({ type: "progress", text: "error: stream closed" }),
  ),
  stuck(
    "codex",
    "sleeps for the retry-after of an hour",
    life().turns(1).refused().says({ type: "progress", text: "429" }),
  ),
  stuck("opencode", "sleeps for the retry-after of an hour", life().turns(1).refused()),
];

const provider: readonly Trace[] = [
  stuck("claude", "the provider never answers the first call", life().open()),
  stuck("codex", "the provider never answers", life().turns(3).open()),
  stuck("opencode", "the provider never answers", life().call({ firstByte: 3, stream: 20 }).text().open()),
  stuck("claude", "the provider never answers, while it prints on stderr", life().turns(1).open(), (one) =>
    one.prints(stderr, 5, hours3),
  ),
  stuck("claude", "the provider never answers, and is asked again every 10 minutes", life().turns(1), (one) =>
    retries(one, 600),
  ),
  stuck(
    "opencode",
    "the provider never answers, and is asked again every 5 minutes",
    life().turns(1),
    (one) => retries(one, 300),
  ),
  stuck("codex", "a response stops in the middle", life().turns(2).open().wait(3).firstByte()),
  stuck(
    "claude",
    "a response stops in the middle, while it prints on stderr",
    life().turns(2).open().wait(3).firstByte(),
    (one) => one.prints(stderr, 5, hours3),
  ),
  stuck("opencode", "a response stops in the middle", life().turns(2).open().wait(3).firstByte()),
  stuck("codex", "the connection is refused, and it tries again without end", life().turns(1), (one) =>
    reconnects(one),
  ),
  stuck(
    "claude",
    "a response of keep-alives and nothing else",
    life().turns(1).open().wait(3).firstByte(),
    (one) => {
      for (let i = 0; i < hours3; i += 15) one.wait(15).chunk();
      return one;
    },
  ),
];

function retries(one: Life, everyS: number): Life {
  for (let i = 0; i < hours3; i += everyS + 1) one.open().wait(everyS).close().wait(1);
  return one;
}

/** It says so each time. */
function reconnects(one: Life): Life {
  for (let i = 0; i < hours3; i += 15)
    one.open().wait(1).close().says({ type: "progress", text: "Reconnecting…" }).wait(14);
  return one;
}

const busy: readonly Trace[] = [
  stuck("opencode", "one empty answer after another, four a second", life().turns(1), (one) => {
    for (let i = 0; i < 1200; i += 1)
      one
        .open(i + 2)
        .wait(0.2)
        .firstByte()
        .close()
        .wait(0.2);
    return one;
  }),
  stuck("claude", "useless answers that differ, four a minute", life().turns(1), (one) => {
    for (let i = 0; i < hours3; i += 15) one.call({ firstByte: 3, stream: 8 }).says(stderr).wait(4);
    return one;
  }),
  stuck("codex", "the same request again and again, each with an answer", life().turns(1), (one) => {
    for (let i = 0; i < 300; i += 1)
      one
        .open(i + 2)
        .wait(3)
        .firstByte()
        .wait(20)
        .close()
        .text()
        .tool(5);
    return one;
  }),
  stuck("claude", "its log grows, and nothing else happens", life().turns(3), (one) =>
    one.prints(stderr, 5, hours3),
  ),
  stuck("codex", "its log grows, and nothing else happens", life().turns(3), (one) =>
    one.prints(stderr, 30, hours3),
  ),
];

const tools: readonly Trace[] = [
  stuck("claude", "a tool waits for an answer on its terminal", life().turns(2).toolBegins()),
  stuck("codex", "a tool waits for an answer on its terminal", life().turns(2).toolBegins()),
  stuck(
    "opencode",
    "a tool that is not told waits for an answer",
    life().call({ firstByte: 3, stream: 20 }).text(),
  ),
  stuck("shell", "a script waits without end", new Life().says({ type: "stdout", text: "begin" })),
  stuck("claude", "the only call of a sub-agent is never answered", life().turns(1).toolBegins().open()),
  stuck("claude", "a tool hangs, and is said to run", life().turns(1).toolBegins(), (one) =>
    one.prints({ type: "progress", text: "Bash has been running" }, 30, hours3),
  ),
];

const ends: readonly Trace[] = [
  finished("claude", "does not exit", life().turns(4).text().ended()),
  finished("codex", "does not exit", life().turns(4).text().ended()),
  finished("opencode", "does not exit", life().turns(4).text().ended()),
  finished("claude", "does not exit, and prints on stderr", life().turns(4).ended(), (one) =>
    one.prints(stderr, 5, hours3),
  ),
  finished(
    "codex",
    "does not exit, with a tool whose end was never told",
    life().turns(4).toolBegins().wait(5).ended(),
  ),
  finished(
    "claude",
    "does not exit, with a call that is never answered",
    life().turns(4).open().wait(5).ended(),
  ),
  finished(
    "opencode",
    "does not exit, with a response that stopped",
    life().turns(4).open().wait(1).firstByte().wait(5).ended(),
  ),
  finished(
    "claude",
    "does not exit after a night in which the machine slept",
    life()
      .turns(4)
      .ended()
      .wait(10)
      .sleep(8 * 3600),
  ),
];

export const stuckTraces: readonly Trace[] = [...silent, ...provider, ...busy, ...tools, ...ends];
