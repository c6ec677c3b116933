// GraphiQL on this hub. The key is typed into the headers editor; it stays in this tab and is not kept.
"use strict";

const QUESTION = `# Tutti's API. Put a key into "Headers" below:
# the demo's keys are in demo-keys.json in the hub's data folder (the admin key may ask everything).
# Then press Ctrl-Enter.
query Home($for: CustomerRef!) {
  experience(for: $for, channel: WEB, scenario: "home", preview: true) {
    moment { title }
    degraded { code message }
    ... on WebExperience {
      slots {
        key
        title
        items(first: 3) {
          position
          score
          content { key title price { amount currency } }
          why {
            sentence
            contributions { layer { name } contribution rankBefore rankAfter }
          }
        }
      }
    }
    suppressed(first: 5) { edges { node { content { title } gate rule sentence } } }
  }
  layers { name title description }
}
`;
const VARIABLES = JSON.stringify({ for: { anonymousId: "a-visitor-of-graphiql" } }, null, 2);
const HEADERS = JSON.stringify({ Authorization: "Bearer YOUR-KEY" }, null, 2);

// Every tab starts from the example; nothing of an earlier visit is read, nothing of this one is kept.
const memory = new Map();
const storage = {
  getItem: (name) => memory.get(name) ?? null,
  setItem: (name, value) => memory.set(name, value),
  removeItem: (name) => memory.delete(name),
  clear: () => memory.clear(),
  get length() {
    return memory.size;
  },
};

// GraphiQL reads a document a moment after it was typed or pasted, and until then names the operation of the
// one before. Whoever runs it at once means what stands there: a name that it does not hold is not sent.
const asWritten = ({ operationName, ...rest }) =>
  new RegExp(`\\b${operationName}\\b`).test(rest.query) ? { operationName, ...rest } : rest;

const fetcher = async (parameters, options) => {
  const leaving = new AbortController();
  const response = await fetch("/graphql", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      // The hub answers a subscription by events, and all else by the first of these that it can.
      Accept: "application/graphql-response+json, application/json, text/event-stream",
      ...(options?.headers ?? {}),
    },
    body: JSON.stringify(asWritten(parameters)),
    credentials: "omit",
    signal: leaving.signal,
  });
  const streams = response.headers.get("Content-Type")?.startsWith("text/event-stream");
  return streams ? untilStopped(results(response.body), leaving) : response.json();
};

// The results of a stream of events, until it completes.
async function* results(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The hub cut the stream off. Run it again.");
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      if (event.startsWith("event: complete")) return;
      const data = /^data: (.+)$/m.exec(event);
      if (data) yield JSON.parse(data[1]);
    }
  }
}

// A generator that waits does not hear of its end: whoever stops it takes away what it waits for.
const untilStopped = (stream, leaving) => ({
  [Symbol.asyncIterator]() {
    return this;
  },
  async next() {
    try {
      return await stream.next();
    } catch (error) {
      if (leaving.signal.aborted) return { done: true, value: undefined };
      throw error;
    }
  },
  async return() {
    leaving.abort();
    return { done: true, value: undefined };
  },
});

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    storage,
    defaultQuery: QUESTION,
    variables: VARIABLES,
    headers: HEADERS,
    defaultEditorToolsVisibility: "headers",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
