// A key is pasted, tried, and kept for this tab alone.

import { el, put } from "./dom.js";
import { ADMIN, ENTER } from "./documents.js";
import { ask, useKey } from "./hub.js";
import { trouble } from "./states.js";

/** What the key opens: `{ admin, layers: Map, scenarios }`. Throws the hub's own Problem if it is none for this console. */
export async function enter() {
  const [known, admin] = await Promise.all([
    ask(ENTER),
    ask(ADMIN).then(() => true, (problem) => {
      if (problem.code === "FORBIDDEN") return false;
      throw problem;
    }),
  ]);
  return { admin, layers: new Map(known.layers.map((layer) => [layer.name, layer])), scenarios: known.scenarios };
}

const CLEARER = {
  UNAUTHENTICATED: "This hub does not know that key. It may be mistyped, or it was revoked; ask whoever runs the hub for a new one.",
  FORBIDDEN: "That key is good, but not for this console: it needs one of scope agent or admin.",
};

/** Return the view. `done(known)` is called when a key was good; `before`: why the last one no longer is. */
export function signIn(done, before) {
  const told = el("div", {}, before && explained(before));
  const input = el("input", {
    id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true,
    "aria-describedby": "key-help", placeholder: "tutti_agent_…",
  });
  const button = el("button", { class: "primary" }, "Sign in");
  const form = el("form", { class: "sign-in" },
    el("label", { for: "key" }, "Your key"),
    el("div", { class: "row" }, input, button),
    el("p", { id: "key-help", class: "quiet" },
      "A key of scope agent or admin. It stays in this tab and is forgotten when you sign out or close it."),
    told);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    put(told);
    useKey(input.value.trim());
    try {
      done(await enter());
    } catch (problem) {
      useKey("");
      put(told, explained(problem));
      input.select();
    } finally {
      button.disabled = false;
    }
  });
  queueMicrotask(() => input.focus());
  return el("section", { class: "welcome" },
    el("img", { src: "/console/mark.svg", alt: "", width: 56, height: 56 }),
    el("h1", {}, "See what they saw, and why"),
    el("p", { class: "lead" }, "The service desk of this hub: one customer, every channel, the reason for every item."),
    form,
    el("details", {},
      el("summary", {}, "Where do I find a key?"),
      el("p", {}, "The demo writes its keys to ", el("code", {}, ".tutti/demo-keys.json"),
        " (demo-keys.json in the hub's data folder). Take the one under “agent”."),
      el("p", {}, "On a hub of your own: ", el("code", {}, "tutti keys create agent NAME"), " makes one.")));
}

function explained(problem) {
  return trouble(Object.assign(new Error(CLEARER[problem.code] ?? problem.message), { code: problem.code }));
}
