/** Types of tutti.js. */

export interface Money {
  /** An exact decimal number. */
  amount: string;
  /** ISO 4217. */
  currency: string;
}

export interface Content {
  key: string;
  kind: "PRODUCT" | "ARTICLE" | "STORY" | "GUIDE";
  title: string;
  summary: string;
  url: string | null;
  imageUrl: string | null;
  price: Money | null;
  availability: "IN_STOCK" | "LOW_STOCK" | "PREORDER" | "OUT_OF_STOCK" | "DISCONTINUED";
}

export interface Item {
  /** Its place in the one ranking that every channel shows. */
  position: number;
  content: Content;
  why: { sentence: string };
}

export interface Slot {
  key: string;
  title: string;
  /** schema.org markup, JSON-LD. */
  markup?: string;
  items: Item[];
}

export interface Experience {
  /** Null where the ledger could not take it: then nothing is reported of it. */
  servedId: string | null;
  scenario: { key: string; title: string };
  moment: { key: string; title: string };
  /** Why this is less than it could be; null: it is all that it can be. */
  degraded: { code: string; message: string } | null;
  slots: Slot[];
  offers: { offer: { key: string; title: string; terms: string }; grant: { code: string; expiresAt: string | null } | null }[];
}

/** The page's own: a <template> with data-tutti-* attributes, or what makes an element of an item. */
export type Template = HTMLTemplateElement | ((item: Item, slot: Slot) => HTMLElement | DocumentFragment);

/** What of localStorage is needed. */
export interface Store {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

export interface Sight {
  servedId: string;
  key: string;
  /** Milliseconds since 1970, by the browser's clock. */
  at: number;
}

/** A track message of the Segment spec. */
export interface Click {
  type: string;
  event: string;
  messageId: string;
  timestamp: string;
  userId?: string;
  anonymousId?: string;
  properties: Record<string, unknown>;
}

export interface Options {
  /** Where the hub is reached, such as https://hub.example. */
  hub: string;
  /** A key of scope `browse`. It is public, as every key in a page is. */
  key: string;
  /** A key of scope `ingest`; without it clicks are not reported. */
  writeKey?: string;
  /** The signed token of the customer who is logged in, made by the shop's own server. */
  token?: string;
  /** Whom the token names; without it: the visitor. */
  customer?: { userId: string };
  /** The visitor's own random id; default: one that is made and remembered. */
  visitor?: string;
  /** Milliseconds that the hub may take before the page shows what it has; default 1000. */
  deadline?: number;
  /** A document of your own with the variables $for, $scenario and $first; default: what Experience says. */
  document?: string;
  storage?: Store;
  /** Is told why the hub could not be asked. */
  onProblem?: (error: Error) => void;
}

export interface Client {
  readonly visitor: string;
  /** Ask for an experience; null where the hub does not answer in time or refuses. Never throws. */
  experience(scenario: string, how?: { first?: number }): Promise<Experience | null>;
  /** Fill every element with `data-tutti-slot`; its `data-tutti-state` becomes `filled` or `fallback`. */
  fill(
    root: ParentNode,
    scenario: string,
    how?: { template?: Template; templates?: Record<string, Template>; first?: number },
  ): Promise<Experience | null>;
  /** Put a slot's items into an element. */
  render(element: HTMLElement, slot: Slot, template: Template): void;
  /** Report exposures and clicks of an element's items. */
  watch(element: HTMLElement, experience: Experience): void;
  /** Send what was seen now; happens by itself when the page is left. */
  flush(): void;
  /** How many reports wait for the hub to answer again. */
  queued(): number;
}

export function createClient(options: Options): Client;
export function priceWords(price: Money): string;
