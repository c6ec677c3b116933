// Tabs after the ARIA pattern: arrows, Home and End move, the chosen one is in the address.

import { el, put } from "./dom.js";

/** Make tabs of `[{ key, title, make(item) }]`. Returns `{ bar, panel, select(key, item) }`; `chosen(key)` is told of a choice. */
export function tabs(all, chosen) {
  const panel = el("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: "-1" });
  const buttons = all.map(({ key, title }) => el("button", {
    type: "button", role: "tab", id: `tab-${key}`, "aria-controls": "panel", on: { click: () => chosen(key) },
  }, title));
  const bar = el("div", { class: "tabs", role: "tablist", "aria-label": "About this customer" }, buttons);
  bar.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const button = buttons.at(to % buttons.length);
    button.focus();
    button.click();
  });
  let last = null;
  return {
    bar,
    panel,
    select(key, item) {
      const at = Math.max(all.findIndex((one) => one.key === key), 0);
      const now = `${all[at].key}/${item ?? ""}`;
      if (now === last) return;
      last = now;
      buttons.forEach((button, each) => {
        button.setAttribute("aria-selected", String(each === at));
        button.tabIndex = each === at ? 0 : -1;
      });
      panel.setAttribute("aria-labelledby", buttons[at].id);
      put(panel, all[at].make(item));
    },
  };
}
