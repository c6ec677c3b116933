// Who was looked up in this tab, newest first. Forgotten with the tab, and on signing out.

const KEPT = 8;

export function recent() {
  try {
    return JSON.parse(sessionStorage.getItem("tutti.recent") ?? "[]");
  } catch {
    return [];
  }
}

export function remember({ id, displayName }) {
  const others = recent().filter((one) => one.id !== id);
  sessionStorage.setItem("tutti.recent", JSON.stringify([{ id, displayName }, ...others].slice(0, KEPT)));
}

export const forget = () => sessionStorage.removeItem("tutti.recent");
