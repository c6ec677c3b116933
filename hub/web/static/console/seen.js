// What they saw: everything that was served to them, newest first; one opens as they saw it.

import { el, put } from "./dom.js";
import { SERVED } from "./documents.js";
import { ask } from "./hub.js";
import { servedView } from "./served.js";
import { fill, nothing, slow } from "./states.js";
import { ago, CHANNELS, count, plain, time } from "./words.js";

// What agents were shown at the desk is in the ledger too; it is not what the customer saw.
const CHOICES = [["CUSTOMER", "To the customer"], ...Object.entries(CHANNELS)];

export function seenView(view) {
  if (view.item) {
    const place = el("div", {});
    fill(place, () => servedView(view), view.signal);
    return el("div", {}, el("p", {}, el("a", { href: `#/customer/${encodeURIComponent(view.id)}/saw`, class: "back" }, "← All that they saw")), place);
  }
  const rows = [...view.customer.served.edges];
  let page = view.customer.served.pageInfo;
  let channel = "CUSTOMER";
  const place = el("div", {});
  const chips = CHOICES.map(([key, title]) =>
    el("button", { type: "button", "aria-pressed": String(key === channel), on: { click: () => choose(key) } }, title));
  list();
  return el("div", {},
    el("div", { class: "head-row" }, el("h2", {}, "What they saw"), el("div", { class: "chips", role: "group", "aria-label": "Channel" }, chips)),
    place);

  function choose(key) {
    channel = key;
    chips.forEach((chip, at) => chip.setAttribute("aria-pressed", String(CHOICES[at][0] === key)));
    list();
  }

  function list() {
    const now = rows.map((edge) => edge.node).filter((one) => channel === "CUSTOMER" ? one.channel !== "SERVICE_DESK" : one.channel === channel);
    const more = page.hasNextPage && slow("Earlier", async () => {
      const data = await ask(SERVED, { for: view.ref, after: page.endCursor }, view.signal);
      rows.push(...data.customer.served.edges);
      page = data.customer.served.pageInfo;
      list();
    }, { class: "more-button" });
    put(place,
      now.length
        ? el("ol", { class: "servings" }, now.map((one) => el("li", {}, serving(one, view))))
        : nothing("Nothing was served yet", rows.length ? `Nothing of this kind among the latest ${count(rows.length, "serving")}.` : "No page, message or conversation has asked this hub for them."),
      more);
  }
}

function serving(one, view) {
  const first = one.items.slice(0, 3).map((item) => item.content.title).join(" · ");
  return el("a", { href: `#/customer/${encodeURIComponent(view.id)}/saw/${encodeURIComponent(one.id)}` },
    el("span", { class: `channel ${one.channel.toLowerCase()}` }, CHANNELS[one.channel]),
    el("span", { class: "what" }, el("b", {}, plain(one.scenario.key)), el("span", { class: "quiet" }, first || "no items")),
    el("span", { class: "quiet n" }, count(one.items.length, "item"), el("br"), el("time", { datetime: one.at, title: time(one.at) }, ago(one.at))));
}
