// The first view: whom to look up, who was looked up before, and what was found under a name.

import { el } from "./dom.js";
import { recent } from "./recent.js";
import { nothing } from "./states.js";
import { count } from "./words.js";

const initials = (name) => name.split(/\s+/).slice(0, 2).map((word) => word.charAt(0)).join("").toUpperCase();

export const avatar = (name, size = "") => el("span", { class: `avatar ${size}`, "aria-hidden": "true" }, initials(name));

const person = (one) => el("li", {}, el("a", { class: "person", href: `#/customer/${one.id}` },
  avatar(one.displayName), el("span", {}, el("b", {}, one.displayName), one.as && el("small", {}, `by ${one.as}`))));

export function start() {
  const known = recent();
  const examples = ["persona-ada", "persona-tom", "persona-mabel", "persona-leila"];
  return el("section", { class: "start" },
    el("h1", { tabindex: "-1" }, "Who is it?"),
    el("p", { class: "lead" }, "Type a user id, an email address, a phone number or a visitor's id above. Press ", el("kbd", {}, "/"), " to get there from anywhere."),
    known.length > 0 && [el("h2", {}, "Looked up in this tab"), el("ul", { class: "people" }, known.map(person))],
    el("p", { class: "quiet" }, "In the demo, for example ",
      examples.map((one, at) => [at ? ", " : "", el("a", { href: `#/find/${one}` }, one)]), "."));
}

/** What a search came to, where it was not exactly one customer. */
export function results(text, { found, tried }) {
  const words = `${tried.slice(0, -1).join(", ")} and ${tried.at(-1)}`;
  if (!found.length) {
    return el("section", { class: "start" }, el("h1", { tabindex: "-1" }, "Nobody by that name"),
      nothing("This hub has never seen them", `“${text}” was tried as ${words}. Somebody who was erased, or who never came, is not here.`));
  }
  return el("section", { class: "start" },
    el("h1", { tabindex: "-1" }, `${count(found.length, "customer")} by that name`),
    el("p", { class: "lead" }, `“${text}” was tried as ${words}.`),
    el("ul", { class: "people" }, found.map(person)));
}
