// The one way to the hub: POST /graphql with the key of this tab. What goes wrong has a code and words for people.

let key = sessionStorage.getItem("tutti.key") ?? "";
let lapsed = () => {};

/** Something that the hub, or the way to it, refused. `code` is the hub's own; HUB_AWAY: nothing answered. */
export class Problem extends Error {
  constructor(code, message, path = []) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

export const signedIn = () => key !== "";

/** Keep the key for this tab, or forget it ("" for none). */
export function useKey(given) {
  key = given;
  if (given) sessionStorage.setItem("tutti.key", given);
  else sessionStorage.removeItem("tutti.key");
}

/** Have this called when the hub no longer knows the key. */
export const onLapsed = (act) => (lapsed = act);

/** Ask, and throw a Problem unless everything was answered. */
export async function ask(document, variables = {}, signal = undefined) {
  const { data, problems } = await tryAsk(document, variables, signal);
  if (problems.length) throw problems[0];
  return data;
}

/** Ask; return what was answered beside what was not: `{ data, problems }`. Throws where nothing could be answered. */
export async function tryAsk(document, variables = {}, signal = undefined) {
  const answer = await send({ query: document, variables }, signal);
  const problems = (answer.errors ?? []).map((error) => new Problem(
    error.extensions?.code ?? "UNKNOWN", error.message, error.path ?? [],
  ));
  if (problems[0]?.code === "UNAUTHENTICATED") {
    lapsed(problems[0]);
    throw problems[0];
  }
  if (!answer.data) throw problems[0] ?? new Problem("UNREADABLE", "The hub answered with something else than GraphQL.");
  return { data: answer.data, problems };
}

async function send(body, signal) {
  let answer;
  try {
    answer = await fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", Authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("HUB_AWAY", "The hub does not answer. It may be starting again, or the network may be down.");
  }
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(`HTTP_${answer.status}`, "The hub answered with something else than GraphQL.");
  }
}
