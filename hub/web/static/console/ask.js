// The customer's question, and the approved answer to it; or honestly none, with the nearest titles.

import { arrive, el, put, say } from "./dom.js";
import { ANSWER } from "./documents.js";
import { ask } from "./hub.js";
import { fill } from "./states.js";
import { percent } from "./words.js";

export function askView({ ref, signal }) {
  const input = el("input", { id: "question", autocomplete: "off", maxlength: 500, required: true, placeholder: "In the customer's words" });
  const place = el("div", { class: "answers" });
  const form = el("form", { class: "ask" },
    el("label", { for: "question" }, "What do they ask?"),
    el("div", { class: "row" }, input, el("button", { class: "primary" }, "Find the answer")),
    el("p", { class: "quiet" }, "Only approved answers are given, in the words that were approved. Nothing is made up."));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = input.value.trim();
    if (question) fill(place, async () => shown((await ask(ANSWER, { question, for: ref }, signal)).answer), signal);
  });
  queueMicrotask(() => document.activeElement?.getAttribute("role") === "tab" || arrive(input));
  return el("div", {}, el("h2", {}, "Ask"), form, place);
}

function shown({ question, confidence, answer, alternatives }) {
  say(answer ? "There is an approved answer" : "There is no approved answer");
  const others = alternatives.map((one) => el("li", {}, el("details", {},
    el("summary", {}, one.title, " ", el("small", {}, percent(one.confidence))),
    el("p", {}, one.answer.text),
    el("p", { class: "quiet small" }, el("code", {}, one.key), ` version ${one.answer.version}`))));
  return [
    answer ? card(answer, confidence) : none(question, confidence),
    others.length > 0 && el("section", {},
      el("h3", {}, answer ? "Or is it one of these?" : "The nearest, none of them sure"),
      el("ul", { class: "alternatives" }, others)),
  ].filter(Boolean);
}

function card(answer, confidence) {
  const text = el("p", { class: "answer-text" }, answer.text);
  const copied = el("button", { type: "button" }, "Copy the answer");
  copied.addEventListener("click", async () => {
    await navigator.clipboard.writeText(answer.text);
    put(copied, "Copied");
    say("Copied");
  });
  return el("article", { class: "answer" },
    el("header", {}, el("h3", {}, answer.title), el("span", { class: "tag good" }, `${percent(confidence)} sure`)),
    text,
    answer.claims.length > 0 && el("ul", { class: "claims", "aria-label": "Claims it draws on" },
      answer.claims.map((claim) => el("li", {}, claim.text, " ", el("code", {}, `${claim.key} v${claim.version}`)))),
    el("footer", { class: "row" }, el("span", { class: "quiet small" }, el("code", {}, answer.key), ` version ${answer.version}`), copied));
}

const none = (question, confidence) => el("div", { class: "nothing" },
  el("p", { class: "title" }, "No approved answer"),
  el("p", {}, `The hub is not sure enough of any answer to “${question}” (the best is ${percent(confidence)} sure). Do not guess: ask a colleague, or promise to come back.`));
