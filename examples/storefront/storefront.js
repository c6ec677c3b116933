// The page's own script: who is here, what the hub says, and what to do when it says nothing.

const config = await (await fetch("config.json")).json();
const who = document.querySelector("#who");
const chosen = new URLSearchParams(location.search).get("who") ?? "";
for (const persona of Object.keys(config.personas)) {
  const name = persona.replace(/^persona-/, "");
  who.add(new Option(name[0].toUpperCase() + name.slice(1), persona, false, persona === chosen));
}
who.addEventListener("change", () => {
  location.search = who.value ? `?who=${encodeURIComponent(who.value)}` : "";
});

// What the shop says in each moment that the hub may find somebody in.
const HEADINGS = {
  first_visit: "Good to see you",
  cart_left: "Still in your basket",
  just_bought: "To go with your order",
  replenishment_due: "Time for more?",
  return_after_absence: "Good to see you again",
};
const say = (text) => (document.querySelector("#state").textContent = text);

// The module comes from the hub. A shop that wants to be independent of that keeps a copy beside its own files.
let createClient;
try {
  ({ createClient } = await import(`${config.hub}/client/tutti.js`));
} catch {
  for (const place of document.querySelectorAll("[data-tutti-slot]")) place.dataset.tuttiState = "fallback";
  say("The hub is away; this is the page without it.");
}

if (createClient) {
  const tutti = createClient({
    hub: config.hub,
    key: config.key,
    writeKey: config.writeKey,
    token: config.personas[chosen],
    customer: chosen ? { userId: chosen } : undefined,
    deadline: config.deadline,
    onProblem: () => say("The hub did not answer in time; this is the page without it."),
  });
  globalThis.tutti = tutti; // for whoever looks at the console
  const found = await tutti.fill(document, "home", { templates: { to_read: stories } });
  if (found) {
    document.querySelector("#moment").textContent = HEADINGS[found.moment.key] ?? "For house and garden";
    offers(found.offers);
    say(found.degraded ? found.degraded.message : `Served as ${found.servedId}.`);
  }
}

/** A template may as well be a function that makes an element. */
function stories(item) {
  const card = document.createElement("article");
  card.className = "card";
  const link = document.createElement("a");
  link.href = item.content.url ?? "#";
  link.className = "picture";
  const picture = new Image(320, 200);
  picture.alt = "";
  picture.loading = "lazy";
  picture.src = new URL(item.content.imageUrl, config.hub).href;
  link.append(picture);
  const heading = document.createElement("h3");
  const title = document.createElement("a");
  title.href = link.href;
  title.textContent = item.content.title;
  heading.append(title);
  const summary = document.createElement("p");
  summary.textContent = item.content.summary;
  card.append(link, heading, summary);
  return card;
}

function offers(made) {
  const place = document.querySelector("#offers");
  const [first] = made;
  place.hidden = !first;
  if (!first) return;
  const title = document.createElement("b");
  title.textContent = first.offer.title;
  place.replaceChildren(title, `${first.offer.terms}${first.grant ? ` Your code: ${first.grant.code}` : ""}`);
}
