// The console: who is signed in, which view the address names, and the bar on top.

import { el, put, say } from "./dom.js";
import { customerView } from "./customer.js";
import { find } from "./find.js";
import { onLapsed, signedIn, useKey } from "./hub.js";
import { forget } from "./recent.js";
import { reviewsView } from "./reviews.js";
import { enter, signIn } from "./signin.js";
import { results, start } from "./start.js";
import { fill, trouble, waiting } from "./states.js";

const main = document.querySelector("#main");
const search = document.querySelector(".find");
const input = document.querySelector("#find");
const links = document.querySelector(".links");
let known = null; // what the key opens; null: nobody is signed in
let turn = new AbortController(); // what the view on show waits for

onLapsed((problem) => known && leave(problem));
addEventListener("hashchange", show);
document.querySelector("#sign-out").addEventListener("click", () => {
  forget();
  history.replaceState(null, "", "#/");
  leave();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the customer
  main.focus();
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.value.trim()) look(input.value.trim());
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  event.preventDefault();
  input.focus();
  input.select();
});

if (signedIn()) begin();
else leave();

/** Find out what the kept key opens: after a reload. */
async function begin() {
  put(main, waiting());
  try {
    welcome(await enter());
  } catch (problem) {
    if (["UNAUTHENTICATED", "FORBIDDEN"].includes(problem.code)) leave(problem);
    else put(main, trouble(problem, begin));
  }
}

function welcome(found) {
  known = found;
  search.hidden = links.hidden = false;
  put(document.querySelector(".scope"), known.admin ? "admin" : "agent");
  show();
}

function leave(problem) {
  turn.abort();
  known = null;
  useKey("");
  search.hidden = links.hidden = true;
  document.title = "Sign in: Tutti console";
  put(main, signIn(welcome, problem));
}

/** Show what the address names. */
function show() {
  if (!known) return;
  const [view, name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  mark();
  if (view === "customer" && name) return customerView(main, { id: name, tab: rest[0], item: rest[1], known, signal: next(name) });
  turn.abort();
  turn = new AbortController();
  if (view === "find" && name) return look(name);
  if (view === "reviews") {
    document.title = "Reviews: Tutti console";
    return reviewsView(main, turn.signal);
  }
  document.title = "Tutti console";
  put(main, start());
  input.focus();
}

/** Mark the link that leads to the view on show. */
function mark() {
  for (const link of links.querySelectorAll("a")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** The signal of a customer's view lasts while the same customer is on show. */
function next(id) {
  if (turn.of !== id || turn.signal.aborted) {
    turn.abort();
    turn = Object.assign(new AbortController(), { of: id });
  }
  return turn.signal;
}

/** Find whom a text names: one is opened, none or several are told. What was typed does not get into the address. */
async function look(text) {
  turn.abort();
  turn = new AbortController();
  const { signal } = turn;
  document.title = "Find: Tutti console";
  if (location.hash.startsWith("#/find")) history.replaceState(null, "", "#/find");
  else history.pushState(null, "", "#/find");
  mark();
  const place = el("div");
  put(main, place);
  await fill(place, async () => {
    const met = await find(text, signal);
    if (met.found.length === 1 && !signal.aborted) {
      history.replaceState(null, "", `#/customer/${met.found[0].id}`);
      input.value = "";
      show();
      return [];
    }
    say(met.found.length ? "Several customers" : "Nobody by that name");
    return results(text, met);
  }, signal);
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
