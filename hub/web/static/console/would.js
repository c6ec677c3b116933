// What they would see now: a preview that leaves no trace, with a mixing desk that shows what each layer does.

import { dials } from "./dials.js";
import { el, put, say } from "./dom.js";
import { PREVIEW } from "./documents.js";
import { ask } from "./hub.js";
import { letter } from "./letter.js";
import { fill, nothing, trouble, waiting } from "./states.js";
import { fromQuery, itemRow, keptFrom } from "./why.js";
import { CHANNELS, count } from "./words.js";

const SHOWN = 20;
const PATIENCE = 200; // milliseconds that a slider has to rest
const FIRST_SCENARIO = { WEB: "home", EMAIL: "newsletter", SERVICE_DESK: "service" };

export function wouldView({ ref, known, signal }) {
  let channel = known.admin ? "WEB" : "SERVICE_DESK"; // an agent's key may preview the service desk alone
  const scenario = el("select", { id: "scenario", on: { change: load } },
    known.scenarios.map((one) => el("option", { value: one.key }, one.title)));
  scenario.value = FIRST_SCENARIO[channel];
  const chips = Object.entries(CHANNELS).map(([key, title]) => el("button", {
    type: "button", "aria-pressed": String(key === channel), "data-channel": key, on: { click: () => choose(key) },
  }, title));
  const place = el("div", { class: "would" });
  load();
  return el("div", {},
    el("div", { class: "head-row" }, el("h2", {}, "What they would see now"),
      el("div", { class: "chips", role: "group", "aria-label": "Channel" }, chips)),
    el("p", { class: "quiet" }, el("label", { for: "scenario" }, "Scenario "), scenario, " A preview: it leaves no trace."),
    place);

  function choose(key) {
    channel = key;
    chips.forEach((chip) => chip.setAttribute("aria-pressed", String(chip.dataset.channel === key)));
    scenario.value = FIRST_SCENARIO[key];
    load();
  }

  function load() {
    const asked = { for: ref, channel, scenario: scenario.value };
    return fill(place, async () => {
      try {
        return desk((await ask(PREVIEW, { ...asked, first: 60 }, signal)).experience, asked);
      } catch (problem) {
        if (problem.code !== "FORBIDDEN") throw problem;
        return [trouble(problem), el("p", { class: "quiet" }, "The ranking is the same on every channel: “Service desk” shows it with an agent's key.")];
      }
    }, signal);
  }

  function desk(plainly, asked) {
    if (plainly.withheld) return nothing("Nothing would be shown", plainly.withheld.message, el("p", {}, el("code", {}, plainly.withheld.code)));
    const before = new Map(plainly.ranking.map((item) => [item.content.key, item.position]));
    const list = el("div", { class: "ranking" }, ranking(plainly, null));
    let timer = 0;
    let asking = new AbortController();
    const turned = (mix) => {
      clearTimeout(timer);
      asking.abort();
      if (!mix) return put(list, ranking(plainly, null));
      timer = setTimeout(async () => {
        asking = new AbortController();
        const mine = asking.signal;
        list.setAttribute("aria-busy", "true");
        if (!list.querySelector(".items")) put(list, waiting());
        try {
          const { experience } = await ask(PREVIEW, { ...asked, mix, first: 60 }, AbortSignal.any([signal, mine]));
          put(list, ranking(experience, before));
        } catch (problem) {
          if (problem.name !== "AbortError") put(list, trouble(problem, () => turned(mix)));
        } finally {
          if (!mine.aborted) list.removeAttribute("aria-busy");
        }
      }, PATIENCE);
    };
    return el("div", { class: "desk" }, list, dials(known.layers, plainly.mix, turned));
  }

  function ranking(experience, before) {
    const rows = experience.ranking.slice(0, SHOWN).map(fromQuery);
    const now = new Set(rows.map((row) => row.key));
    const moved = before ? rows.filter((row) => before.get(row.key) !== row.position).length : 0;
    const gone = before ? [...before].filter(([key, at]) => at <= SHOWN && !now.has(key)).length : 0;
    const told = before && (moved ? `${moved} of the first ${rows.length} moved${gone ? `, ${gone} of them new here` : ""}.` : "Nothing moved.");
    if (told) say(told);
    const { suppressed } = experience;
    return [
      el("p", { class: "quiet told" }, told ?? `The first ${count(rows.length, "item")} of the ranking, as it is.`),
      experience.degraded && el("p", { class: "notice" }, el("code", {}, experience.degraded.code), experience.degraded.message),
      rows.length
        ? el("ol", { class: "items" }, rows.map((row) => itemRow(row, known.layers, before && move(before.get(row.key), row.position))))
        : nothing("Nothing to show", ""),
      el("details", { class: "kept-from" }, el("summary", {}, `What is kept from them (${suppressed.totalCount ?? suppressed.edges.length})`),
        keptFrom(suppressed.edges.map(({ node }) => ({ ...node, title: node.content.title })), suppressed.totalCount ?? undefined)),
      experience.html && el("details", { class: "kept-from" }, el("summary", {}, "The message as it would be sent"), letter(experience.html, experience)),
    ].filter(Boolean);
  }
}

function move(was, is) {
  if (was === is) return el("span", { class: "move" }, "stays");
  if (!was) return el("span", { class: "move up" }, "new, was beyond 60");
  return el("span", { class: `move ${was > is ? "up" : "down"}` }, `${was > is ? "▲" : "▼"} was ${was}`);
}
