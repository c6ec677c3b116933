// A subscription by the clients that people use: `node watch.mjs sse|ws URL KEY QUERY MOST`.
// Prints each result on a line of its own, stops after so many, and ends with what refused it, if anything did.
import { createClient as overEvents } from "graphql-sse";
import { createClient as overSocket } from "graphql-ws";
import WebSocket from "ws";

const [way, url, key, query, most] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${key}` };
const client =
  way === "sse"
    ? overEvents({ url, headers, retryAttempts: 0 })
    : overSocket({
        url: url.replace("http:", "ws:"),
        connectionParams: headers,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      });

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
try {
  let seen = 0;
  for await (const result of client.iterate({ query })) {
    say(result);
    if (++seen === Number(most)) break;
  }
  say("completed");
} catch (refusal) {
  say({ refused: refusal.code ?? refusal.response?.status ?? refusal });
}
client.dispose();
