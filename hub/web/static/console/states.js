// What a place shows while it waits, when there is nothing, and when something went wrong.

import { el, put, say } from "./dom.js";

export const waiting = (text = "Asking the hub") =>
  el("div", { class: "waiting", role: "status" }, el("span", { class: "hidden" }, text), el("i"), el("i"), el("i"));

export const nothing = (title, text, ...more) =>
  el("div", { class: "nothing" }, el("p", { class: "title" }, title), text && el("p", {}, text), ...more);

/** A problem with its code, and a way to try again. */
export function trouble(problem, again) {
  const away = problem.code === "HUB_AWAY";
  return el("div", { class: "trouble", role: "alert" },
    el("p", { class: "title" }, away ? "The hub is away" : "That did not work"),
    el("p", {}, problem.message),
    el("p", { class: "row" },
      el("code", { class: "code" }, problem.code ?? "UNEXPECTED"),
      again && el("button", { type: "button", on: { click: again } }, "Try again")));
}

/** Fill a place with what `make` comes to; meanwhile it waits, and a problem is told there. */
export async function fill(place, make, signal) {
  put(place, waiting());
  place.setAttribute("aria-busy", "true");
  try {
    const made = await make();
    if (!signal?.aborted) put(place, made);
  } catch (problem) {
    if (problem.name === "AbortError" || signal?.aborted) return;
    put(place, trouble(problem, () => fill(place, make, signal)));
    say(problem.message);
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** A button that does something slow, and says so. */
export function slow(label, act, given = {}) {
  const button = el("button", { type: "button", ...given }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await act(button);
    } catch (problem) {
      if (problem.name !== "AbortError") button.after(trouble(problem));
    } finally {
      button.disabled = false;
    }
  });
  return button;
}
