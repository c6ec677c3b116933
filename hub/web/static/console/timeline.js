// All that happened to them, newest first, by day; one kind or all; more by cursor.

import { el, put, say } from "./dom.js";
import { TIMELINE } from "./documents.js";
import { ask } from "./hub.js";
import { fill, nothing, slow } from "./states.js";
import { day, plain } from "./words.js";

const KINDS = ["VIEWED", "CLICKED", "ADDED", "REMOVED", "CHECKOUT", "PURCHASED", "REFUNDED", "SEARCHED", "SAVED", "READ", "EMAIL", "VISITED",
  "IDENTIFIED", "FEEDBACK", "PREFERENCE", "CONSENT", "CORRECTION", "SERVED", "MERGED", "SPLIT", "OTHER"];
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export function timelineView({ customer, ref, signal }) {
  const place = el("div", { class: "timeline" });
  const choose = el("select", { id: "kind", on: { change: () => load(choose.value) } },
    el("option", { value: "" }, "Everything"), KINDS.map((kind) => el("option", { value: kind }, plain(kind))));
  show(customer.timeline);
  return el("div", {},
    el("div", { class: "head-row" }, el("h2", {}, "Timeline"),
      el("label", { for: "kind", class: "quiet" }, "Show ", choose)),
    place);

  async function load(kind) {
    await fill(place, async () => {
      const data = await ask(TIMELINE, { for: ref, kinds: kind ? [kind] : null }, signal);
      say(`${data.customer.timeline.edges.length} entries`);
      return list(data.customer.timeline, kind);
    }, signal);
  }

  function show(page) {
    put(place, list(page, ""));
  }

  function list(page, kind) {
    if (!page.edges.length) return nothing("Nothing happened yet", kind ? `No entry of the kind “${plain(kind)}”.` : "");
    const days = el("div", {});
    let last = "";
    append(page);
    return days;

    function append(part) {
      for (const { node } of part.edges) {
        const on = day(node.at);
        if (on !== last) days.append(el("h3", {}, on), el("ol", {}));
        last = on;
        days.lastElementChild.append(el("li", {},
          el("time", { datetime: node.at }, CLOCK.format(new Date(node.at))),
          el("span", { class: `kind ${node.kind.toLowerCase()}` }, plain(node.kind)),
          el("span", {}, node.title)));
      }
      if (!part.pageInfo.hasNextPage) return;
      const more = slow("Earlier", async () => {
        const data = await ask(TIMELINE, { for: ref, after: part.pageInfo.endCursor, kinds: kind ? [kind] : null }, signal);
        more.remove();
        append(data.customer.timeline);
      }, { class: "more-button" });
      days.append(more);
    }
  }
}
