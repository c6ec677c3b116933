// Customers who may be one: what speaks for it, and a decision that is asked twice.

import { arrive, el, put, say } from "./dom.js";
import { DECIDE, REVIEWS } from "./documents.js";
import { ask } from "./hub.js";
import { fill, nothing, slow } from "./states.js";
import { ago, day, idType, percent, time } from "./words.js";

const KINDS = {
  TWO_USERS: "An event says that two users are one",
  SHARED_ADDRESS: "Both gave the same address or number: one person, or a family",
  SHARED_DEVICE: "Both used the same device: one person, a family or a kiosk",
  SPLIT_BEFORE: "They were split before, and an event names them together again",
  SIMILAR: "A matcher finds them alike",
};

export async function reviewsView(main, signal) {
  const place = el("div", {});
  put(main, el("section", { class: "reviews" },
    el("h1", { tabindex: "-1" }, "Are they one?"),
    el("p", { class: "lead" }, "Two profiles that may be the same person. A merge joins all that is known of both; a split can undo it."),
    place));
  await fill(place, async () => {
    const { mergeReviews } = await ask(REVIEWS, {}, signal);
    if (!mergeReviews.edges.length) return nothing("Nothing waits", "No two customers are waiting for a decision.");
    const list = el("div", {});
    append(list, mergeReviews, signal);
    return list;
  }, signal);
  if (!signal.aborted) arrive(main.querySelector("h1"));
}

function append(list, page, signal) {
  list.append(...page.edges.map(({ node }) => card(node, signal)));
  if (!page.pageInfo.hasNextPage) return;
  const more = slow("More", async () => {
    const { mergeReviews } = await ask(REVIEWS, { after: page.pageInfo.endCursor }, signal);
    more.remove();
    append(list, mergeReviews, signal);
  }, { class: "more-button" });
  list.append(more);
}

function card(review, signal) {
  const deciding = el("div", { class: "deciding" });
  const offer = () => put(deciding, el("div", { class: "row" },
    el("button", { type: "button", class: "primary", on: { click: () => confirm(true) } }, "They are one"),
    el("button", { type: "button", on: { click: () => confirm(false) } }, "They are two")));
  offer();
  return el("article", { class: "review" },
    el("header", {}, el("h2", {}, KINDS[review.kind] ?? review.kind),
      el("p", { class: "quiet facts" },
        review.identity && el("span", {}, el("code", {}, review.identity)),
        review.score !== null && el("span", {}, `${percent(review.score)} likely`),
        el("time", { datetime: review.openedAt, title: time(review.openedAt) }, `since ${ago(review.openedAt)}`))),
    el("div", { class: "pair" }, review.customers.map(person)),
    el("h3", {}, "What speaks for it"),
    el("ul", { class: "evidence" }, review.evidence.map((proof) => el("li", {}, proof.text, " ", el("time", { datetime: proof.at, class: "quiet" }, day(proof.at)), " ", el("code", {}, proof.source)))),
    deciding);

  function confirm(accept) {
    const reason = el("input", { id: `why-${review.id}`, maxlength: 500, autocomplete: "off", placeholder: "For the audit trail; may be empty" });
    const told = el("div", {});
    const sure = slow(accept ? "Yes, merge them" : "Yes, keep them apart", async () => {
      put(told);
      const input = { reviewId: review.id, accept, reason: reason.value.trim() || null };
      const { decideMergeReview: came } = await ask(DECIDE, { input }, signal);
      if (came.errors.length) return put(told, came.errors.map(refused));
      say(accept ? "Merged" : "Kept apart");
      put(deciding, el("p", { class: "done" }, accept ? "Merged. " : "They stay two. ",
        came.customer && el("a", { href: `#/customer/${came.customer.id}` }, `Open ${came.customer.displayName}`)));
    }, { class: accept ? "danger" : "primary" });
    put(deciding,
      el("p", {}, el("b", {}, accept ? "Merge these two profiles into one?" : "Keep them apart? They will not be asked about again for this.")),
      el("label", { for: reason.id, class: "quiet" }, "Why"), reason,
      el("div", { class: "row" }, sure, el("button", { type: "button", on: { click: offer } }, "Not now")), told);
    reason.focus();
  }
}

const refused = (error) => el("div", { class: "trouble", role: "alert" }, el("p", {}, error.message), el("p", {}, el("code", { class: "code" }, error.code), error.path.length > 0 && el("code", {}, error.path.join("."))));

const person = (one) => el("section", { class: "card" },
  el("h3", {}, el("a", { href: `#/customer/${one.id}` }, one.displayName)),
  el("p", { class: "quiet" }, one.firstSeenAt && `Since ${day(one.firstSeenAt)}`, one.lastSeenAt && `, last here ${ago(one.lastSeenAt)}`),
  el("ul", {}, one.identities.map((each) => el("li", {}, el("span", { class: "name" }, idType(each.type)), el("span", { class: "value" }, each.value), each.verified && el("span", { class: "tag good" }, "verified")))));
