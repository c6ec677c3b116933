// Who was looked up in this tab, newest first. Forgotten with the tab, and on signing out.

const KEPT = 8;
const CONVERSATION = 30 * 60_000; // milliseconds

export function recent() {
  try {
    return JSON.parse(sessionStorage.getItem("tutti.recent") ?? "[]");
  } catch {
    return [];
  }
}

export function remember({ id, displayName }) {
  const others = recent().filter((one) => one.id !== id);
  sessionStorage.setItem("tutti.recent", JSON.stringify([{ id, displayName, at: Date.now() }, ...others].slice(0, KEPT)));
}

/** Whether the same conversation is likely still going on: then looking again is not another serving. */
export const stillTalking = (id) => recent().some((one) => one.id === id && Date.now() - one.at < CONVERSATION);

export const forget = () => sessionStorage.removeItem("tutti.recent");
