import { expect, it } from "vitest";
import { openRig } from "../testing/rig.ts";
import { streams } from "../testing/upstream.ts";

const done = streams(["data: [DONE]\n\n"]);
const upstream = { provider: "local", protocol: "openai-chat" } as const;
const post = { path: "/v1/chat/completions" };

it("asks a stream of Chat Completions for its usage", async () => {
  const rig = await openRig(done);
  const attempt = await rig.open({ upstream });
  await (await attempt.post({ stream: true }, post)).text();
  expect(JSON.parse(rig.upstream.requests[0]?.body.toString() ?? "")).toMatchObject({
    stream_options: { include_usage: true },
  });
});

it("does not ask a provider that refuses the question", async () => {
  const rig = await openRig(done, { providers: { local: { ask_for_usage: false } } });
  const attempt = await rig.open({ upstream });
  await (await attempt.post({ stream: true }, post)).text();
  expect(rig.upstream.requests[0]?.body.toString()).not.toContain("stream_options");
  expect(await attempt.calls()).toMatchObject([{ estimated: true }]);
});
