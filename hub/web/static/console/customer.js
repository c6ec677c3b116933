// One customer: who they are, what to mind and do, and the tabs with all the rest. One question fills it.

import { arrive, el, put, say } from "./dom.js";
import { askView } from "./ask.js";
import { SERVICE_DESK } from "./documents.js";
import { ask } from "./hub.js";
import { profile } from "./profile.js";
import { remember, stillTalking } from "./recent.js";
import { seenView } from "./seen.js";
import { avatar } from "./start.js";
import { fill, nothing } from "./states.js";
import { tabs } from "./tabs.js";
import { timelineView } from "./timeline.js";
import { todo } from "./todo.js";
import { wouldView } from "./would.js";
import { ago, day } from "./words.js";

const TABS = [
  ["todo", "What to do", (view) => todo(view)],
  ["saw", "What they saw", (view) => seenView(view)],
  ["now", "What they would see", (view) => wouldView(view)],
  ["timeline", "Timeline", (view) => timelineView(view)],
  ["ask", "Ask", (view) => askView(view)],
];
const GRAVE = new Set(["DEGRADED", "NOT_RECOGNISED", "NOT_VERIFIED", "MERGE_REVIEW", "OPEN_COMPLAINT", "NO_PERSONALIZATION"]);

let shown = null; // { id, select }: the customer on show, so that another tab asks nothing anew

/** Show a customer. `about`: `{ id, tab, item, known, signal }`; the signal ends when another view comes. */
export async function customerView(main, about) {
  if (shown?.id === about.id && shown.place.isConnected) return shown.select(about.tab, about.item);
  const place = el("div", { class: "customer-place" });
  shown = { id: about.id, place, select: () => {} };
  put(main, place);
  await fill(place, async () => {
    const data = await ask(SERVICE_DESK, { for: { id: about.id }, preview: stillTalking(about.id) }, about.signal);
    if (!data.customer) {
      document.title = "Nobody: Tutti console";
      return el("section", { class: "start" }, el("h1", { tabindex: "-1" }, "Nobody under this address"),
        nothing("This hub does not know the customer that the link names", "They may have been erased, or the link is another hub's."));
    }
    remember(data.customer);
    return page(data, about);
  }, about.signal);
  if (!about.signal.aborted) arrive(place.querySelector("h1"));
}

function page(data, about) {
  const { customer, experience } = data;
  document.title = `${customer.displayName}: Tutti console`;
  say(`${customer.displayName} is on show`);
  const view = { ...about, data, customer, ref: { id: about.id } };
  const panels = tabs(TABS.map(([key, title, make]) => ({ key, title, make: (item) => make({ ...view, item }) })),
    (key) => (location.hash = `#/customer/${encodeURIComponent(about.id)}/${key}`));
  shown.select = (tab, item) => panels.select(tab ?? "todo", item);
  shown.select(location.hash.split("/")[3] ?? about.tab, about.item);
  return el("article", { class: "customer" },
    el("header", { class: "who" },
      avatar(customer.displayName, "large"),
      el("div", {},
        el("h1", { tabindex: "-1" }, customer.displayName),
        el("p", { class: "quiet facts" }, facts(customer, experience).map((fact) => el("span", {}, fact)))),
      el("button", { type: "button", class: "plain", on: { click: () => again(about) } }, "Refresh")),
    notes([experience.degraded, experience.withheld].filter(Boolean), "grave"),
    el("div", { class: "columns" },
      el("p", { class: "brief" }, experience.brief),
      el("div", { class: "side" }, notes(experience.cautions), profile(customer)),
      el("section", { class: "work" }, panels.bar, panels.panel)));
}

/** Ask the same again: what the customer did meanwhile shows. */
function again(about) {
  const main = shown.place.parentElement;
  shown = null;
  customerView(main, { ...about, tab: location.hash.split("/")[3], item: undefined });
}

function facts(customer, experience) {
  return [
    customer.firstSeenAt && `Since ${day(customer.firstSeenAt)}`,
    customer.lastSeenAt && `last here ${ago(customer.lastSeenAt)}`,
    experience.moment.title,
    ...customer.segments.map((segment) => segment.title),
  ].filter(Boolean);
}

const notes = (given, tone = "") => given.length > 0 && el("ul", { class: "cautions", "aria-label": "What to mind" },
  given.map((note) => el("li", { class: GRAVE.has(note.code) ? "grave" : tone }, el("code", {}, note.code), note.message)));
