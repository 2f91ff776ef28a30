// A provider on loopback that answers every request for a chat completion in the same way. Prints its address.
import { createServer } from "node:http";

const usage = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 };
const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "hello" } }];

const server = createServer((request, response) => {
  request.resume();
  const isPaid = request.headers.authorization === "Bearer the-key-of-the-provider";
  response.writeHead(isPaid ? 200 : 401, { "content-type": "application/json" });
  response.end(JSON.stringify(isPaid ? { object: "chat.completion", choices, usage } : { error: {} }));
}).listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
