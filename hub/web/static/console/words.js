// How values read: times, money, numbers, and the names that the store has for things.

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const AGO = new Intl.RelativeTimeFormat("en-GB", { numeric: "auto" });
const STEPS = [["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

export const day = (at) => DAY.format(new Date(at));
export const time = (at) => TIME.format(new Date(at));

/** "3 days ago", "in 2 months", "now". */
export function ago(at) {
  const seconds = (new Date(at) - Date.now()) / 1000;
  for (const [unit, size] of STEPS) if (Math.abs(seconds) >= size) return AGO.format(Math.trunc(seconds / size), unit);
  return "just now";
}

export const CHANNELS = { WEB: "Web", EMAIL: "Email", SERVICE_DESK: "Service desk" };

/** The id types that people know, in words; another type as it is spelled. */
export const idType = (type) =>
  ({ user_id: "User id", email: "Email", phone: "Phone", anonymous_id: "Visitor id", device_id: "Device" })[type] ?? plain(type);

/** A name of the store's as a person would write it: LOW_STOCK and low_stock are "Low stock". */
export function plain(name) {
  const text = String(name).replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function money(price) {
  if (!price) return "";
  try {
    return new Intl.NumberFormat("en-GB", { style: "currency", currency: price.currency }).format(Number(price.amount));
  } catch {
    return `${price.amount} ${price.currency}`;
  }
}

/** A score or a part of one: three places and a true minus. */
export const number = (value) => value.toFixed(3).replace("-", "−");
export const percent = (part) => `${Math.round(part * 100)}%`;
export const value = (given) => (typeof given === "string" ? given : JSON.stringify(given));
export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
