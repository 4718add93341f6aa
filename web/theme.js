/** The help, and the switch between the system's theme, light and dark. */

import { $, announce } from "./dom.js";

/** Set up the buttons at the top; `changed` is called when the colors have changed. */
export function setUpTop(changed) {
  const themes = ["auto", "light", "dark"];
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const label = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" }[theme];
    $("theme").setAttribute("aria-label", label);
    $("theme").title = label;
    $("theme").querySelector("use").setAttribute("href", `#i-${theme}`);
    changed();
  };
  // A page that was opened from a file may have no storage.
  const storage = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } }, set: (theme) => { try { localStorage.setItem("theme", theme); } catch { /* not kept */ } } };
  let now = themes.includes(storage.get()) ? storage.get() : "auto";
  apply(now);
  $("theme").addEventListener("click", () => {
    now = themes[(themes.indexOf(now) + 1) % 3];
    storage.set(now);
    apply(now);
    announce($("theme").title);
  });
  $("help-open").addEventListener("click", () => $("help").showModal());
  $("help-close").addEventListener("click", () => $("help").close());
  $("help").addEventListener("click", (event) => event.target === $("help") && $("help").close());
}
