// Elements out of values. What comes from the store is put in as text and never as markup, and no address
// but those of the web gets into a link or a picture: there is no other way in this console to make an element.

const ADDRESSES = new Set(["href", "src"]);

/**
 * Make an element: `el("p", { class: "quiet", on: { click } }, "text", child)`. An attribute that is null, undefined or
 * false is left out, as is a child that is null, undefined or false; everything else that is no Node becomes text.
 */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [kind, act] of Object.entries(value)) made.addEventListener(kind, act);
    else if (name === "vars") for (const [key, set] of Object.entries(value)) made.style.setProperty(key, set);
    else if (ADDRESSES.has(name)) {
      const safe = address(value);
      if (safe) made.setAttribute(name, safe);
    } else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Return an address of the web or of this page as it was given; null for any other (javascript:, data:, ...). */
export function address(value) {
  if (String(value).startsWith("#")) return value;
  try {
    return ["http:", "https:"].includes(new URL(value, location.href).protocol) ? value : null;
  } catch {
    return null;
  }
}

/** Replace all that a place holds. */
export const put = (place, ...children) => place.replaceChildren(...children.flat(Infinity).filter(Boolean));

/** Move the focus to what has come, unless somebody is writing meanwhile: their next key would be lost. */
export const arrive = (place) => document.activeElement?.matches("input, textarea") && document.activeElement.value ? undefined : place?.focus();

/** Tell something to those who do not see the page. */
export const say = (text) => put(document.querySelector("#said"), text);

/** Return a picture of an item, or a quiet place where it would be. */
export function picture(src, size = 64) {
  const frame = el("span", { class: "picture" });
  if (src && address(src)) {
    const image = el("img", { src, alt: "", width: size, height: size, loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => image.remove());
    frame.append(image);
  }
  return frame;
}
