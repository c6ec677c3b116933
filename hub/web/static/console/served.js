// One serving out of the ledger, byte for byte as it left the hub: the message or the slots, and why.

import { el } from "./dom.js";
import { REPLAY } from "./documents.js";
import { ask } from "./hub.js";
import { letter } from "./letter.js";
import { nothing } from "./states.js";
import { fromBody, itemRow, keptFrom } from "./why.js";
import { CHANNELS, day, time } from "./words.js";

export async function servedView({ item, data, known, signal }) {
  const { served } = await ask(REPLAY, { id: item }, signal);
  if (!served) return nothing("No longer kept", "The ledger keeps what was served for a time, and this is past it; or it was erased.");
  const body = JSON.parse(served.body);
  return el("article", { class: "served" },
    el("header", {},
      el("h2", {}, body.scenario.title),
      el("p", { class: "quiet facts" },
        el("span", {}, CHANNELS[served.channel]), el("span", {}, time(served.at)), el("span", {}, body.moment.title),
        el("span", {}, `kept until ${day(served.expiresAt)}`))),
    body.degraded && el("p", { class: "notice" }, el("code", {}, body.degraded.code), body.degraded.message),
    served.html && letter(served.html, body),
    body.brief && el("p", { class: "brief" }, body.brief),
    served.html && el("h3", {}, "Why these"),
    body.slots.map((slot) => el("section", { class: "slot" },
      el(served.html ? "h4" : "h3", {}, slot.title),
      el("ol", { class: "items" }, slot.items.map((one) => itemRow(fromBody(one, body.mix), known.layers))))),
    body.offers.length > 0 && [el("h3", {}, "Offers"), el("ul", { class: "grants" }, body.offers.map((offer) => el("li", {},
      el("div", {}, el("h4", {}, offer.title), el("p", {}, offer.terms)),
      offer.grant && el("p", { class: "promise" }, el("code", { class: "voucher" }, offer.grant.code)))))],
    el("details", { class: "kept-from" },
      el("summary", {}, `What was kept from them (${kept(body)})`),
      keptFrom(removed(body, data.experience.suppressed), kept(body))),
    el("p", { class: "quiet small" }, `Decided with version ${served.profileVersion} of the profile and `, el("code", {}, served.configurationVersion), ". ", el("code", {}, body.served_id)));
}

const kept = (body) => Object.values(body.absences ?? {}).reduce((sum, each) => sum + each, 0);

/** The ledger keeps key, gate and rule; titles and sentences are those of today, where the same still holds. */
function removed(body, today) {
  const now = new Map(today.edges.map(({ node }) => [`${node.content.key}/${node.rule}`, node]));
  return (body.removed ?? []).map(([key, gate, rule]) => {
    const same = now.get(`${key}/${rule}`);
    return { title: same?.content.title ?? key, gate, rule, sentence: same?.sentence ?? "" };
  });
}
