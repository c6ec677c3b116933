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

const fetcher = async (parameters, options) => {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json",
      ...(options?.headers ?? {}),
    },
    body: JSON.stringify(parameters),
    credentials: "omit",
  });
  return response.json();
};

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
