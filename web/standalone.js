/** The map as one file: the songs are in the page, nothing plays. */

import { $, count } from "./dom.js";
import { Explore } from "./explore.js";
import { PlaneMap } from "./map.js";
import { Songs } from "./songs.js";
import { setUpTop } from "./theme.js";

const { name, model, relative, songs: columns } = JSON.parse($("data").textContent);
const songs = new Songs(columns);
const map = new PlaneMap($("map"));
const explore = new Explore(map);
setUpTop(() => map.recolor());
explore.load(songs);
if (relative) $("spread").click();
$("library-name").textContent = `${name} · ${count(songs.count, "song")}`;
$("library-name").title = `model ${model}`;

const keys = {
  s: () => $("spread").click(),
  l: () => $("lasso").click(),
  "/": () => $("search").focus(),
  "?": () => $("help").showModal(),
  Escape: () => (map.lassoing ? explore.setLasso(false) : explore.select(null)),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open || !keys[event.key]) return;
  if (event.key !== "Escape" && event.target.closest("input:not([type=checkbox]), select")) return;
  event.preventDefault();
  keys[event.key]();
});
