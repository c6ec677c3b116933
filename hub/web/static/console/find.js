// Who is meant by what was typed: the likely names are tried in one question, and said.

import { FIND } from "./documents.js";
import { Problem, tryAsk } from "./hub.js";

const NAMES = { userId: "user id", email: "email address", phone: "phone number", anonymousId: "visitor id", id: "hub id" };

/** Return the kinds of name that a text may be, likeliest first. */
export function guess(text) {
  if (text.includes("@")) return ["email", "userId", "anonymousId"];
  if (/^\+?[\d\s().\-/]{6,}$/.test(text)) return ["phone", "userId", "anonymousId"];
  if (/^(prf_[0-9a-z]+|Q3VzdG9tZXI6[\w=-]+)$/.test(text)) return ["id", "userId", "anonymousId"];
  return ["userId", "anonymousId"];
}

/** Return `{ found: [{ id, displayName, as }], tried }`: customers each once, and in words what was tried. */
export async function find(text, signal) {
  const names = guess(text);
  const { data, problems } = await tryAsk(FIND(names), Object.fromEntries(names.map((name) => [name, { [name]: text }])), signal);
  // A text that cannot be a number or an address is one that nobody has; anything else is a problem.
  const grave = problems.find((problem) => !["BAD_PHONE", "INVALID_INPUT", "BAD_ID"].includes(problem.code));
  if (grave) throw new Problem(grave.code, grave.message);
  const found = new Map();
  for (const name of names) {
    const customer = data[name];
    if (customer && !found.has(customer.id)) found.set(customer.id, { ...customer, as: NAMES[name] });
  }
  return { found: [...found.values()], tried: names.map((name) => NAMES[name]) };
}
