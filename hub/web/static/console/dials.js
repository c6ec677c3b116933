// The mixing desk's dials: each layer can be muted, played alone, or given another weight.

import { el, put } from "./dom.js";
import { hue } from "./why.js";

const HIGHEST = 3; // unless a scenario goes beyond

/** Make dials for the layers with the weights of a mix. `turned(mix)` gets a MixInput, or null when all is as it was. */
export function dials(layers, weights, turned) {
  const start = new Map(weights.map((one) => [one.layer.name, one.weight]));
  const highest = Math.max(HIGHEST, ...start.values());
  const part = ({ weight }) => ({ "--part": `${(100 * weight) / highest}%` });
  const state = new Map([...layers.keys()].map((name) => [name, { mute: false, solo: false, weight: start.get(name) ?? 0 }]));
  const rows = new Map([...layers.values()].map((layer) => [layer.name, row(layer)]));
  const reset = el("button", { type: "button", disabled: true, on: { click: asItWas } }, "As it was");
  const silent = [...rows].filter(([name]) => !start.has(name)).map(([, made]) => made.place);
  return el("section", { class: "dials", "aria-label": "Mixing desk" },
    el("div", { class: "head-row" }, el("h3", {}, "Mixing desk"), reset),
    el("ul", {}, [...rows].filter(([name]) => start.has(name)).map(([, made]) => made.place)),
    silent.length > 0 && el("details", {}, el("summary", {}, `${silent.length} layers this scenario leaves out`), el("ul", {}, silent)));

  function row({ name, title, description }) {
    const mine = state.get(name);
    const out = el("output", { for: `dial-${name}` }, mine.weight.toFixed(2));
    const slider = el("input", { type: "range", id: `dial-${name}`, min: 0, max: highest, step: 0.01, value: mine.weight, vars: part(mine) });
    slider.addEventListener("input", () => {
      mine.weight = Number(slider.value);
      told();
    });
    const toggle = (what, label, words) => el("button", {
      type: "button", class: what, "aria-pressed": "false", "aria-label": `${words} ${title}`, title: words,
      on: { click: () => { mine[what] = !mine[what]; told(); } },
    }, label);
    const mute = toggle("mute", "M", "Mute");
    const solo = toggle("solo", "S", "Solo");
    const place = el("li", { vars: { "--hue": hue(layers, name) }, "data-layer": name },
      el("label", { for: `dial-${name}`, title: description }, title), slider, out, mute, solo);
    return { place, show() {
      slider.value = mine.weight;
      slider.style.setProperty("--part", part(mine)["--part"]);
      put(out, mine.weight.toFixed(2));
      mute.setAttribute("aria-pressed", String(mine.mute));
      solo.setAttribute("aria-pressed", String(mine.solo));
    } };
  }

  function asItWas() {
    for (const [name, mine] of state) Object.assign(mine, { mute: false, solo: false, weight: start.get(name) ?? 0 });
    told();
  }

  function told() {
    const soloed = [...state].some(([, mine]) => mine.solo);
    for (const [name, made] of rows) {
      made.show();
      const mine = state.get(name);
      made.place.classList.toggle("silent", mine.mute || (soloed && !mine.solo) || mine.weight === 0);
    }
    const mix = mixOf();
    reset.disabled = mix === null;
    turned(mix);
  }

  function mixOf() {
    const named = (what) => [...state].filter(([, mine]) => mine[what]).map(([name]) => name);
    const weights = [...state].filter(([name, mine]) => mine.weight !== (start.get(name) ?? 0)).map(([layer, mine]) => ({ layer, weight: mine.weight }));
    const mix = {};
    if (named("mute").length) mix.mute = named("mute");
    if (named("solo").length) mix.solo = named("solo");
    if (weights.length) mix.weights = weights;
    return Object.keys(mix).length ? mix : null;
  }
}
