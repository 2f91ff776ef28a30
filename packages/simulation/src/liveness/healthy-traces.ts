/** Runs that take long and are well. Each of these was ended by some stall detector, or would be by one without evidence. */
import type { WorkerEvent } from "@agentcore/contract";
import { Life } from "./life.ts";
import { healthy, type Trace } from "./trace.ts";

const minute = 60;
const hour = 3600;
const warning: WorkerEvent = { type: "stderr", text: "warning: no output for a while" };
const toolProgress: WorkerEvent = { type: "progress", text: "Bash has been running" };
const life = (): Life => new Life().wait(2).start();
/** The end of every run: it says so, and exits soon. */
const done = (one: Life, exitS = 1): Life => one.text().ended().wait(exitS);
const answer = { firstByte: 3, stream: 25 };

const everyday: readonly Trace[] = [
  healthy("claude", "an everyday run", done(life().turns(20))),
  healthy("codex", "an everyday run", done(life().turns(20))),
  healthy("opencode", "an everyday run", done(life().turns(20))),
  healthy("claude", "300 rounds of the same test", done(life().turns(300))),
  healthy(
    "claude",
    "MCP servers take 6 minutes to start",
    done(
      new Life()
        .wait(6 * minute)
        .start()
        .turns(3),
    ),
  ),
  healthy("claude", "warnings all through a run of 90 minutes", done(warned(life(), 100))),
];

function warned(one: Life, turns: number): Life {
  for (let i = 0; i < turns; i += 1) one.prints(warning, 5, 20).turns(1);
  return one;
}

const tools: readonly Trace[] = [
  healthy(
    "claude",
    "a build of 40 minutes that prints nothing",
    done(
      life()
        .turns(2)
        .tool(40 * minute),
    ),
  ),
  healthy(
    "codex",
    "a build of 40 minutes that prints nothing",
    done(
      life()
        .turns(2)
        .tool(40 * minute),
    ),
  ),
  healthy(
    "opencode",
    "a build of 25 minutes, of which nothing is told until its end",
    done(
      life()
        .call(answer)
        .text()
        .unseenTool(25 * minute),
    ),
  ),
  healthy(
    "opencode",
    "a build of 100 minutes, of which nothing is told until its end",
    done(
      life()
        .call(answer)
        .text()
        .unseenTool(100 * minute),
    ),
  ),
  healthy(
    "shell",
    "a script that prints nothing for 45 minutes",
    new Life().wait(45 * minute).says({ type: "stdout", text: "ok" }),
  ),
  healthy(
    "codex",
    "a tool in flight for 110 minutes",
    done(
      life()
        .turns(1)
        .tool(110 * minute),
    ),
  ),
  healthy(
    "claude",
    "a test suite of 5 hours that is said to run",
    done(
      life()
        .turns(1)
        .toolBegins()
        .prints(toolProgress, 30, 5 * hour)
        .toolEnds(),
    ),
  ),
  healthy(
    "claude",
    "a stop hook of 8 minutes that prints nothing",
    done(
      life()
        .turns(3)
        .wait(8 * minute),
    ),
  ),
  healthy(
    "claude",
    "a sub-agent of 70 minutes, of which only calls are seen",
    done(subAgent(life().turns(1).toolBegins(), 60).toolEnds()),
  ),
  healthy(
    "opencode",
    "a sub-agent of 50 minutes, of which only calls are seen",
    done(subAgent(life().call(answer).text(), 45)),
  ),
  healthy(
    "claude",
    "eight calls at once, one of which waits 12 minutes",
    done(parallel(life().toolBegins()).toolEnds()),
  ),
];

/** Calls and silent tools in turn. */
function subAgent(one: Life, turns: number): Life {
  for (let i = 0; i < turns; i += 1) one.call({ firstByte: 5, stream: 40 }).wait(25);
  return one;
}

function parallel(one: Life): Life {
  one.open();
  for (let i = 0; i < 7; i += 1) one.open().wait(1).firstByte();
  for (let i = 0; i < 12 * minute; i += 5) one.wait(5).chunk();
  for (let i = 0; i < 7; i += 1) one.close();
  return one.firstByte().wait(5).close();
}

const provider: readonly Trace[] = [
  healthy("claude", "a first byte after 9 minutes", done(life().call({ firstByte: 9 * minute, stream: 20 }))),
  healthy(
    "codex",
    "a first byte after 14 minutes",
    done(life().call({ firstByte: 14 * minute, stream: 20 })),
  ),
  healthy(
    "opencode",
    "a local model that reads its prompt for 18 minutes",
    done(life().call({ firstByte: 18 * minute, stream: 300 })),
  ),
  healthy(
    "claude",
    "a request that is given up after 10 minutes and answered at the second try",
    done(
      life()
        .open()
        .wait(10 * minute)
        .close()
        .wait(1)
        .call({ firstByte: 2 * minute, stream: 20 }),
    ),
  ),
  healthy(
    "claude",
    "a thought of 26 minutes, told when it is over",
    done(life().call({ firstByte: 4, stream: 26 * minute })),
  ),
  healthy(
    "codex",
    "a thought of 50 minutes, told when it is over",
    done(life().call({ firstByte: 4, stream: 50 * minute })),
  ),
  healthy(
    "claude",
    "a response of 40 minutes, told as it comes",
    done(life().call({ firstByte: 4, stream: 40 * minute, isTold: true })),
  ),
  healthy(
    "opencode",
    "a slow drip: a chunk a second for 30 minutes",
    done(life().call({ firstByte: 3, stream: 30 * minute, every: 1 })),
  ),
  healthy(
    "codex",
    "a slow drip: a chunk every 4 minutes for an hour",
    done(life().call({ firstByte: 3, stream: hour, every: 4 * minute })),
  ),
  healthy("claude", "a stall of 405 seconds in each response", done(stalls(life(), 405, 6))),
  healthy(
    "codex",
    "a response that stops for 300 seconds and is asked for again",
    done(stalls(life(), 300, 4)),
  ),
  healthy("claude", "ten refusals with 529, then an answer", done(refusals(life(), 10, 18))),
  healthy(
    "opencode",
    "five refusals with 429 over 73 seconds, then an answer",
    done(refusals(life(), 5, 14)),
  ),
  healthy("codex", "a refusal with a wait of 9 minutes", done(refusals(life(), 1, 9 * minute))),
  healthy(
    "codex",
    "a connection that is cut and opened again",
    done(life().open().wait(3).firstByte().wait(5).close().turns(4)),
  ),
  healthy(
    "claude",
    "a compaction of 9 minutes in one response",
    done(
      life()
        .turns(9)
        .call({ firstByte: 60, stream: 8 * minute }),
    ),
  ),
];

/** Responses that pause in the middle; the client gives up and asks again. */
function stalls(one: Life, seconds: number, count: number): Life {
  for (let i = 0; i < count; i += 1) one.open().wait(3).firstByte().wait(seconds).close().call(answer).text();
  return one;
}

function refusals(one: Life, count: number, waitS: number): Life {
  for (let i = 0; i < count; i += 1) one.refused().says({ type: "progress", text: "retry" }).wait(waitS);
  return one.turns(2);
}

const around: readonly Trace[] = [
  healthy(
    "claude",
    "the machine sleeps for 2 hours during a tool",
    done(
      life()
        .toolBegins()
        .wait(30)
        .sleep(2 * hour)
        .wait(60)
        .toolEnds(),
    ),
  ),
  healthy(
    "codex",
    "the machine sleeps for 8 hours while it waits for a first byte",
    done(
      life()
        .open()
        .wait(5)
        .sleep(8 * hour)
        .wait(60)
        .close()
        .turns(2),
    ),
  ),
  healthy(
    "claude",
    "the machine sleeps for 2 hours in a response",
    done(
      life()
        .open()
        .wait(5)
        .firstByte()
        .sleep(2 * hour)
        .wait(5 * minute)
        .close()
        .turns(2),
    ),
  ),
  healthy(
    "codex",
    "the machine sleeps for a night while it does nothing",
    done(
      life()
        .turns(1)
        .wait(60)
        .sleep(9 * hour)
        .wait(60)
        .turns(2),
    ),
  ),
  healthy("claude", "an exit 50 seconds after the end", done(life().turns(3), 50)),
  healthy(
    "claude",
    "a background task that begins another turn after the end",
    done(life().turns(2).text().ended().wait(40).turns(3)),
  ),
  healthy(
    "opencode",
    "a call for the title that ends 90 seconds after the end",
    done(life().turns(2).text().ended().call({ firstByte: 80, stream: 10 })),
  ),
];

export const healthyTraces: readonly Trace[] = [...everyday, ...tools, ...provider, ...around];
