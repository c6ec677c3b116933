// What to do next: the suggestions, best first, and the offers that were promised.

import { el, picture } from "./dom.js";
import { nothing } from "./states.js";
import { day, money, plain } from "./words.js";

export function todo({ data }) {
  const { suggestions } = data.experience;
  const open = data.customer.grants.filter((grant) => grant.state === "ISSUED");
  return el("div", {},
    el("h2", {}, "What to do next"),
    suggestions.length
      ? el("ol", { class: "suggestions" }, suggestions.map(suggestion))
      : nothing("Nothing to suggest", "Listen first."),
    el("h2", {}, "Offers that were promised"),
    open.length
      ? el("ul", { class: "grants" }, open.map(grant))
      : nothing("No open offer", "Nothing was promised that still stands."));
}

function suggestion({ title, sentence, content, offer }) {
  return el("li", {},
    content ? picture(content.imageUrl, 56) : el("span", { class: `picture sign ${offer ? "offer" : ""}`, "aria-hidden": "true" }, offer ? "%" : "?"),
    el("div", {},
      el("h3", {}, title),
      el("p", {}, sentence),
      content?.price && el("p", { class: "quiet" }, money(content.price))));
}

function grant({ code, offer, grantedAt, expiresAt, channel }) {
  return el("li", {},
    el("div", {}, el("h3", {}, offer.title), el("p", {}, offer.terms)),
    el("p", { class: "promise" },
      el("code", { class: "voucher" }, code),
      el("small", {}, expiresAt ? `until ${day(expiresAt)}` : "without end", ` · given ${day(grantedAt)}, ${plain(channel).toLowerCase()}`)));
}
