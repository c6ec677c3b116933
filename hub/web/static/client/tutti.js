// @ts-check
/// <reference lib="dom" />
/**
 * Tutti in a web page: fetches an experience, lets the page's own templates render it, reports what was
 * seen and clicked, and keeps the page working when the hub does not answer.
 *
 *   experience()  asks the hub, for at most `deadline` milliseconds
 *   fill()        puts each slot into the element that has its key in `data-tutti-slot`
 *   watch()       exposures by IntersectionObserver, clicks; both leave by sendBeacon
 *   queue         what could not leave waits in localStorage until the hub answers again
 *
 * No build, no dependency, no cookie. Types: tutti.d.ts beside this file.
 *
 * @typedef {import("./tutti").Options} Options
 * @typedef {import("./tutti").Experience} Experience
 * @typedef {import("./tutti").Item} Item
 * @typedef {import("./tutti").Slot} Slot
 * @typedef {import("./tutti").Template} Template
 * @typedef {import("./tutti").Client} Client
 * @typedef {import("./tutti").Click} Click
 * @typedef {import("./tutti").Sight} Sight
 */

const SEEN_SHARE = 0.5; // of an item in view, for SEEN_MS: the Media Rating Council's viewable impression
const SEEN_MS = 1000;
const GATHER_MS = 1500; // what is seen within it leaves together
const MOST_QUEUED = 200;
const LONGEST_QUEUED = 24 * 3600 * 1000;
const MOST_IN_BEACON = 100;
const MOST_CLICKS = 50; // requests that outlive their page may have 64 KiB, all that are under way together

const DOCUMENT = `query Page($for: CustomerRef!, $scenario: String!, $first: Int!) {
  experience(for: $for, channel: WEB, scenario: $scenario) {
    servedId
    scenario { key title }
    moment { key title }
    degraded { code message }
    ... on WebExperience {
      slots {
        key
        title
        markup
        items(first: $first) {
          position
          content { key kind title summary url imageUrl price { amount currency } availability }
          why { sentence }
        }
      }
    }
    offers { offer { key title terms } grant { code expiresAt } }
  }
}`;

/**
 * Make a client.
 * @param {Options} options
 * @returns {Client}
 */
export function createClient(options) {
  const hub = options.hub.replace(/\/+$/, "");
  const deadline = options.deadline ?? 1000;
  const storage = options.storage ?? safeStorage();
  const visitor = options.visitor ?? ownVisitor(storage);
  const queue = makeQueue(storage, hub);
  /** Whether the hub answered when it was last asked: a beacon tells nothing of its fate. */
  let answers = true;
  /** @type {Sight[]} */
  let sights = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let gathering;

  /** @param {string} scenario @param {{first?: number}} [how] @returns {Promise<Experience | null>} */
  async function experience(scenario, how = {}) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), deadline);
    try {
      /** @type {Record<string, string>} */
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${options.key}` };
      if (options.token) headers["X-Tutti-Customer"] = options.token;
      const response = await fetch(`${hub}/graphql`, {
        method: "POST",
        headers,
        credentials: "omit",
        signal: stop.signal,
        body: JSON.stringify({
          query: options.document ?? DOCUMENT,
          variables: { for: options.customer ?? { anonymousId: visitor }, scenario, first: how.first ?? 12 },
        }),
      });
      const answer = await response.json();
      answers = response.status < 500;
      const found = answer.data?.experience ?? null;
      if (!found) throw new Error(answer.errors?.[0]?.message ?? `the hub answered ${response.status}`);
      drain();
      return found;
    } catch (error) {
      if (!(error instanceof Error) || error.name === "AbortError" || error instanceof TypeError) answers = false;
      options.onProblem?.(error instanceof Error ? error : new Error(String(error)));
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Fill the page's slots; where the hub does not answer, what stands in them stays.
   * @param {ParentNode} root @param {string} scenario
   * @param {{template?: Template, templates?: Record<string, Template>, first?: number}} [how]
   */
  async function fill(root, scenario, how = {}) {
    const found = await experience(scenario, how);
    for (const place of root.querySelectorAll("[data-tutti-slot]")) {
      const element = /** @type {HTMLElement} */ (place);
      const slot = found?.slots?.find((each) => each.key === element.dataset.tuttiSlot);
      const template = how.templates?.[element.dataset.tuttiSlot ?? ""] ?? how.template ?? ownTemplate(element);
      if (!found || !slot || !template) {
        element.dataset.tuttiState = "fallback";
        continue;
      }
      render(element, slot, template);
      element.dataset.tuttiState = "filled";
      watch(element, found);
    }
    return found;
  }

  /** @param {HTMLElement} element @param {Slot} slot @param {Template} template */
  function render(element, slot, template) {
    const filled = slot.items.map((item) => {
      const node = typeof template === "function" ? template(item, slot) : stamped(template, item, hub);
      const root = node instanceof DocumentFragment ? node.firstElementChild : node;
      if (!(root instanceof HTMLElement)) throw new TypeError("a template makes one element for each item");
      root.dataset.tuttiKey = item.content.key;
      root.dataset.tuttiPosition = String(item.position);
      return root;
    });
    const kept = [...element.children].filter((child) => child instanceof HTMLTemplateElement);
    element.replaceChildren(...kept, ...filled, ...markupOf(slot));
    const heading = document.querySelector(`[data-tutti-title="${CSS.escape(slot.key)}"]`);
    if (heading) heading.textContent = slot.title;
  }

  /** @param {HTMLElement} element @param {Experience} found */
  function watch(element, found) {
    /** @type {Map<Element, ReturnType<typeof setTimeout>>} */
    const inView = new Map();
    const eye = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          clearTimeout(inView.get(entry.target));
          if (entry.intersectionRatio < SEEN_SHARE) continue;
          const item = /** @type {HTMLElement} */ (entry.target);
          inView.set(
            item,
            setTimeout(() => {
              eye.unobserve(item);
              saw(found, item.dataset.tuttiKey ?? "");
            }, SEEN_MS),
          );
        }
      },
      { threshold: [0, SEEN_SHARE] },
    );
    for (const item of element.querySelectorAll("[data-tutti-key]")) eye.observe(item);
    element.addEventListener("click", (event) => {
      const target = event.target instanceof Element ? event.target : null;
      const item = /** @type {HTMLElement | null | undefined} */ (target?.closest("[data-tutti-key]"));
      if (item && target?.closest("a, button")) clicked(found, item);
    });
  }

  /** @param {Experience} found @param {string} key */
  function saw(found, key) {
    if (!found.servedId || !key) return; // nothing was written down that it could be told of
    sights.push({ servedId: found.servedId, key, at: Date.now() });
    gathering ??= setTimeout(flush, GATHER_MS);
  }

  /** @param {Experience} found @param {HTMLElement} item */
  function clicked(found, item) {
    if (!options.writeKey) return;
    const position = Number(item.dataset.tuttiPosition);
    const key = item.dataset.tuttiKey;
    const who = options.customer?.userId ? { userId: options.customer.userId } : { anonymousId: visitor };
    const click = {
      type: "track",
      event: "Product Clicked",
      messageId: crypto.randomUUID(),
      timestamp: new Date().toISOString(),
      ...who,
      properties: { product_id: key, position, served_id: found.servedId, scenario: found.scenario.key },
    };
    send([], [click]);
  }

  /** Send what was gathered. */
  function flush() {
    clearTimeout(gathering);
    gathering = undefined;
    const leaving = sights;
    sights = [];
    if (leaving.length) send(leaving, []);
  }

  /** Let it leave by a beacon, or wait where the hub is known to be away. @param {Sight[]} seen @param {Click[]} clicks */
  function send(seen, clicks) {
    if (!answers || !navigator.onLine) return queue.add(seen, clicks);
    if (seen.length && !navigator.sendBeacon(`${hub}/v1/exposures`, exposureBody(seen))) queue.add(seen, []);
    if (clicks.length && !navigator.sendBeacon(`${hub}/v1/batch`, clickBody(clicks))) queue.add([], clicks);
  }

  /** The hub answers: send what waited. Twice does no harm, sights and clicks are told apart by what they are. */
  async function drain() {
    const { seen, clicks } = queue.take();
    try {
      for (let at = 0; at < seen.length; at += MOST_IN_BEACON) {
        await tell("/v1/exposures", exposureBody(seen.slice(at, at + MOST_IN_BEACON)));
      }
      for (let at = 0; at < clicks.length; at += MOST_CLICKS) {
        await tell("/v1/batch", clickBody(clicks.slice(at, at + MOST_CLICKS)));
      }
    } catch {
      answers = false;
      queue.add(seen, clicks);
    }
  }

  /** @param {string} path @param {string} body */
  async function tell(path, body) {
    const response = await fetch(hub + path, { method: "POST", body, keepalive: true, credentials: "omit" });
    await response.arrayBuffer(); // until it is read the request is under way
    if (response.status >= 500) throw new Error(`the hub answered ${response.status}`);
  }

  /** @param {Sight[]} seen */
  function exposureBody(seen) {
    const now = Date.now();
    return JSON.stringify({
      key: options.key,
      token: options.token,
      exposures: seen.map(({ servedId, key, at }) => ({ servedId, contentKeys: [key], ago: Math.max(0, now - at) })),
    });
  }

  /** @param {Click[]} clicks */
  function clickBody(clicks) {
    return JSON.stringify({ writeKey: options.writeKey, sentAt: new Date().toISOString(), batch: clicks });
  }

  addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
  addEventListener("online", () => void drain());

  return { visitor, experience, fill, render, watch, flush, queued: () => queue.size() };
}

/**
 * What waits, in localStorage: at most 200 entries, for at most a day.
 * @param {import("./tutti").Store} storage @param {string} hub
 */
function makeQueue(storage, hub) {
  const name = `tutti.queue.${hub}`;
  /** @returns {{seen: Sight[], clicks: Click[]}} */
  const read = () => {
    try {
      const kept = JSON.parse(storage.getItem(name) ?? "null");
      const oldest = Date.now() - LONGEST_QUEUED;
      return {
        seen: kept.seen.filter((/** @type {Sight} */ each) => each.at > oldest),
        clicks: kept.clicks.filter((/** @type {Click} */ each) => Date.parse(each.timestamp) > oldest),
      };
    } catch {
      return { seen: [], clicks: [] };
    }
  };
  return {
    /** @param {Sight[]} seen @param {Click[]} clicks */
    add(seen, clicks) {
      const kept = read();
      const all = { seen: [...kept.seen, ...seen].slice(-MOST_QUEUED), clicks: [...kept.clicks, ...clicks].slice(-MOST_QUEUED) };
      try {
        storage.setItem(name, JSON.stringify(all));
      } catch {
        // A full or forbidden storage loses a report, never the page.
      }
    },
    take() {
      const kept = read();
      storage.removeItem(name);
      return kept;
    },
    size() {
      const { seen, clicks } = read();
      return seen.length + clicks.length;
    },
  };
}

/** The template that stands in a slot's element. @param {HTMLElement} element @returns {HTMLTemplateElement | undefined} */
function ownTemplate(element) {
  return element.querySelector("template") ?? undefined;
}

/**
 * Fill a <template>: `data-tutti-text="content.title"` is text, `data-tutti-src` and `data-tutti-href` are
 * addresses of the web; an element whose value is missing is left out.
 * A picture's address may be relative to the hub, a link's to the page.
 * @param {HTMLTemplateElement} template @param {Item} item @param {string} hub
 */
function stamped(template, item, hub) {
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  for (const element of copy.querySelectorAll("[data-tutti-text], [data-tutti-src], [data-tutti-href], [data-tutti-alt]")) {
    const { tuttiText, tuttiSrc, tuttiHref, tuttiAlt } = /** @type {HTMLElement} */ (element).dataset;
    if (tuttiText) {
      const text = worded(item, tuttiText);
      if (text === "") element.remove();
      else element.textContent = text;
    }
    if (tuttiAlt) element.setAttribute("alt", worded(item, tuttiAlt));
    if (tuttiSrc) {
      const address = webAddress(worded(item, tuttiSrc), `${hub}/`);
      if (address) element.setAttribute("src", address);
      else element.remove();
    }
    if (tuttiHref) {
      const address = webAddress(worded(item, tuttiHref), location.href);
      if (address) element.setAttribute("href", address);
    }
  }
  return copy;
}

/** @param {Item} item @param {string} path */
function worded(item, path) {
  /** @type {any} */
  let value = item;
  for (const step of path.split(".")) value = value?.[step];
  if (value == null) return "";
  if (typeof value === "object" && "amount" in value) return priceWords(value);
  return String(value);
}

/**
 * A price in the page's language.
 * @param {{amount: string, currency: string}} price
 */
export function priceWords(price) {
  const language = document.documentElement.lang || "en-GB";
  return new Intl.NumberFormat(language, { style: "currency", currency: price.currency }).format(Number(price.amount));
}

/** An address of the web, or "": a `javascript:` one is none. @param {string} text @param {string} base */
function webAddress(text, base) {
  if (!text) return "";
  try {
    const url = new URL(text, base);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : "";
  } catch {
    return "";
  }
}

/** @param {Slot} slot */
function markupOf(slot) {
  if (!slot.markup) return [];
  const script = document.createElement("script");
  script.type = "application/ld+json";
  script.textContent = slot.markup;
  return [script];
}

/** @param {import("./tutti").Store} storage */
function ownVisitor(storage) {
  const known = storage.getItem("tutti.visitor");
  if (known) return known;
  const made = crypto.randomUUID();
  try {
    storage.setItem("tutti.visitor", made);
  } catch {
    // Nobody is remembered then: every page is a first visit.
  }
  return made;
}

/** localStorage, or memory where the browser forbids it. @returns {import("./tutti").Store} */
function safeStorage() {
  try {
    localStorage.getItem("tutti.visitor");
    return localStorage;
  } catch {
    /** @type {Map<string, string>} */
    const memory = new Map();
    return {
      getItem: (name) => memory.get(name) ?? null,
      setItem: (name, value) => void memory.set(name, value),
      removeItem: (name) => void memory.delete(name),
    };
  }
}
