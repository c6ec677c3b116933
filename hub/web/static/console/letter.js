// A message as it was sent, in a frame where nothing runs. Its links are told instead of followed: a click of the
// agent's must not count as the customer's.

import { el, put } from "./dom.js";

// The page's policy (require-trusted-types-for) refuses markup made of strings; this one place may hand it to a frame.
const asMarkup = globalThis.trustedTypes?.createPolicy("letter", { createHTML: (html) => html })
  ?? { createHTML: (html) => html };

export function letter(html, { subject, preheader, to }) {
  const told = el("p", { class: "quiet small link-told", role: "status" });
  // allow-same-origin without allow-scripts: this page may measure the message, and the message can do nothing.
  const frame = el("iframe", { sandbox: "allow-same-origin", title: `The message “${subject}”`, referrerpolicy: "no-referrer", inert: true });
  frame.addEventListener("load", () => {
    const inside = frame.contentDocument;
    if (!inside?.body) return;
    const fit = () => (frame.style.height = `${inside.documentElement.scrollHeight}px`);
    fit();
    new ResizeObserver(fit).observe(inside.body);
    inside.addEventListener("click", (event) => {
      const link = event.target.closest?.("a");
      if (!link) return;
      event.preventDefault();
      put(told, `This link leads to ${link.href}`);
    });
    inside.addEventListener("submit", (event) => event.preventDefault());
    frame.inert = false; // not before: nothing else keeps a click from being followed
  });
  frame.srcdoc = asMarkup.createHTML(html);
  return el("figure", { class: "letter" },
    el("figcaption", {},
      el("p", {}, el("b", {}, subject ?? "No subject")),
      el("p", { class: "quiet" }, preheader),
      to && el("p", { class: "quiet small" }, `To ${to}`)),
    frame, told);
}
