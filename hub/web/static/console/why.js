// Why an item stands where it does: the sentence, and each layer's part as a bar; the parts add up to the score.

import { el, picture } from "./dom.js";
import { money, number, plain } from "./words.js";

/** Return an item as GraphQL has it, in the console's own shape. */
export const fromQuery = ({ position, score, content, why }) => ({
  position, score, key: content.key, title: content.title, kind: content.kind, image: content.imageUrl, price: content.price,
  sentence: why.sentence,
  parts: why.contributions.map((one) => ({ ...one, layer: one.layer.name, verdict: one.score, before: one.rankBefore, after: one.rankAfter })),
});

/** Return an item as the ledger's body has it, in the console's own shape. `mix`: the body's, `[[layer, weight]]`. */
export const fromBody = ({ position, score, content, why }, mix) => ({
  position, score, key: content.key, title: content.title, kind: content.kind, image: content.image_url, price: content.price,
  sentence: why.sentence,
  parts: why.contributions?.map((one) => ({ ...one, verdict: one.score, before: one.rank_before, after: one.rank_after })) ?? columns(why, mix),
});

// Since format 2 of the body an item's parts are columns in the order of the mix, and a contribution is weight times score.
const columns = (why, mix) => mix.map(([layer, weight], at) => ({
  layer, weight, verdict: why.scores[at], contribution: weight * why.scores[at], before: why.ranks_before[at], after: why.rank_after,
}));

/** Return a layer's colour: its place among the layers decides, so that it is the same everywhere. */
export function hue(layers, name) {
  const at = [...layers.keys()].indexOf(name);
  return String(Math.round((40 + Math.max(at, 0) * 137.508) % 360));
}

/** One item: picture, title, price, why; its layers open below. `before`: its rank without the dials, if they are turned. */
export function itemRow(item, layers, move = null) {
  return el("li", { class: "item", "data-key": item.key },
    el("span", { class: "position", "aria-label": `Position ${item.position}` }, item.position),
    picture(item.image),
    el("div", { class: "what" },
      el("h4", {}, item.title),
      el("p", { class: "quiet" }, [item.price && money(item.price), item.kind !== "PRODUCT" && plain(item.kind)].filter(Boolean).join(" · "), move),
      el("p", { class: "sentence" }, item.sentence)),
    el("details", { class: "why" },
      el("summary", {}, el("span", { class: "hidden" }, `Why ${item.title}: score `), el("b", {}, number(item.score)), stack(item, layers)),
      parts(item, layers)));
}

function stack(item, layers) {
  const lift = item.parts.filter((part) => part.contribution > 0);
  const whole = lift.reduce((sum, part) => sum + part.contribution, 0);
  return el("span", { class: "stack", "aria-hidden": "true" }, lift.map((part) => el("i", {
    vars: { "--hue": hue(layers, part.layer), "--part": `${(100 * part.contribution) / whole}%` },
  })));
}

function parts(item, layers) {
  const speaking = item.parts.filter((part) => part.contribution !== 0);
  const silent = item.parts.length - speaking.length;
  const most = Math.max(...speaking.map((part) => Math.abs(part.contribution)), 0.001);
  return el("div", { class: "parts" }, el("table", {},
    el("caption", { class: "hidden" }, `What each layer gives to ${item.title}`),
    el("thead", {}, el("tr", {}, ["Layer", "Weight × verdict", "Part", "Rank without"].map((head, at) => el("th", { scope: "col", class: at ? "n" : "" }, head)))),
    el("tbody", {}, speaking.map((part) => el("tr", {},
      el("th", { scope: "row", title: layers.get(part.layer)?.description }, layers.get(part.layer)?.title ?? part.layer,
        el("span", { class: `bar ${part.contribution < 0 ? "less" : ""}`, "aria-hidden": "true", vars: { "--hue": hue(layers, part.layer), "--part": `${(100 * Math.abs(part.contribution)) / most}%` } })),
      el("td", { class: "n quiet" }, `${Number(part.weight.toFixed(3))} × ${number(part.verdict)}`),
      el("td", { class: "n" }, number(part.contribution)),
      el("td", { class: "n quiet" }, part.before)))),
    el("tfoot", {}, el("tr", {}, el("th", { scope: "row" }, "Score"), el("td", {}), el("td", { class: "n" }, el("b", {}, number(item.score))), el("td", { class: "n" }, item.parts[0]?.after ?? "")))),
    silent > 0 && el("p", { class: "quiet small" }, `${silent} more layers had nothing to say.`));
}

/** What was kept from them, by the first gate and rule that did. `rows`: `[{ title, gate, rule, sentence }]`. */
export function keptFrom(rows, whole = rows.length) {
  if (!rows.length) return el("p", { class: "quiet" }, "Nothing was kept from them.");
  return [
    el("ul", { class: "kept" }, rows.map((row) => el("li", {},
      el("span", { class: "tag" }, plain(row.gate)), el("b", {}, row.title),
      el("span", {}, row.sentence), el("code", {}, row.rule)))),
    whole > rows.length && el("p", { class: "quiet small" }, `${whole - rows.length} more.`),
  ];
}
