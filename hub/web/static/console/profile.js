// Who they are: identities, consents, traits, interests with their evidence, needs. All with source and time.

import { el } from "./dom.js";
import { ago, count, day, idType, percent, plain, time, value } from "./words.js";

const KINDS = { LONG_TERM: "over time", SESSION: "this visit", DECLARED: "told us", AVOIDED: "avoids" };
const PATTERNS = {
  ONCE: "bought once, for life", DURABLE: "has one that lasts", REPLENISHABLE: "runs out", CONSUMABLE: "used up", COLLECTIBLE: "collects",
};
const when = (at, words = ago(at)) => el("time", { datetime: at, title: time(at) }, words);

export function profile(customer) {
  const similar = customer.similar.edges.map((edge) => edge.node);
  return el("aside", { class: "profile", "aria-label": "Profile" },
    card("Identities", customer.identities, (one) => row(idType(one.type), one.value, one.verified && el("span", { class: "tag good" }, "verified"), when(one.firstSeenAt))),
    card("Consents", customer.consents, consent),
    card("Interests", customer.interests.edges.map((edge) => edge.node), interest),
    card("Wishes", customer.preferences, (one) => row(plain(one.key), value(one.value))),
    card("Needs", customer.needs, need),
    card("Traits", customer.traits, (one) => row(plain(one.key), value(one.value), el("small", {}, plain(one.source).toLowerCase()), when(one.updatedAt))),
    similar.length > 0 && card("Others like them", similar, (one) => row(one.sharedInterests.join(", "), count(one.count, "other"))),
    el("p", { class: "quiet small" }, `Version ${customer.version} of the profile. `, el("code", {}, customer.id)));
}

function card(title, rows, show) {
  return el("section", { class: "card" }, el("h2", {}, title),
    rows.length ? el("ul", {}, rows.map(show)) : el("p", { class: "quiet" }, "None"));
}

const row = (name, text, ...more) => el("li", {}, el("span", { class: "name" }, name), el("span", { class: "value" }, text), el("span", { class: "more" }, more));

function consent(one) {
  const tone = one.allowed ? "good" : "bad";
  return el("li", {},
    el("span", { class: "name" }, plain(one.purpose), one.channel && ` (${plain(one.channel)})`),
    el("span", { class: "value" }, el("span", { class: `tag ${tone}` }, one.allowed ? "yes" : "no"),
      one.state === "UNKNOWN" ? " not said" : ` ${one.state.toLowerCase()}`),
    el("span", { class: "more" }, one.source, one.updatedAt && when(one.updatedAt)));
}

function interest(one) {
  const bar = el("span", { class: "meter", "aria-hidden": "true", vars: { "--part": percent(Math.min(one.weight, 1)) } });
  const head = [el("b", {}, one.label), el("span", { class: `tag ${one.kind === "AVOIDED" ? "bad" : ""}` }, KINDS[one.kind]), el("small", {}, one.weight < 0.005 ? "<1%" : percent(one.weight)), bar];
  if (!one.evidence.length) return el("li", { class: "interest" }, el("div", { class: "head" }, head));
  return el("li", { class: "interest" }, el("details", {},
    el("summary", { class: "head" }, head),
    el("ul", {}, one.evidence.map((each) => el("li", {}, each.content?.title ?? each.text ?? "something no longer known", " ", when(each.at))))));
}

function need(one) {
  const met = one.satisfiedUntil && new Date(one.satisfiedUntil) > new Date();
  const until = one.satisfiedUntil && one.pattern !== "COLLECTIBLE" && `${met ? "until" : "ran out"} ${day(one.satisfiedUntil)}`;
  return el("li", {},
    el("span", { class: "name" }, one.category),
    el("span", { class: "value" }, PATTERNS[one.pattern] ?? plain(one.pattern)),
    el("span", { class: "more" }, until && el("span", { class: met ? "tag good" : "tag" }, until)));
}
