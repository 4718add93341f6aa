/** The page: the library's state, the parts and what joins them, the keys. */

import { Answer } from "./answer.js";
import { get, watch } from "./api.js";
import { Ask } from "./ask.js";
import { $, announce, count, toast } from "./dom.js";
import { bars, wheel } from "./emotions.js";
import { Explore } from "./explore.js";
import { PlaneMap } from "./map.js";
import { Observe } from "./observe.js";
import { Player } from "./player.js";
import { copyPaths, savePlaylist } from "./playlists.js";
import { Songs } from "./songs.js";
import { setUpTop } from "./theme.js";

const app = { songs: null, generation: null };
app.map = new PlaneMap($("map"));
app.player = new Player();
app.explore = new Explore(app.map, (rows, index) => app.player.play(rows, index));
app.answer = new Answer(app);
app.observe = new Observe(app);
app.ask = new Ask(app);
app.save = (rows, name, format) => (format === "paths" ? copyPaths(rows, app.generation) : savePlaylist(rows, app.generation, name, format));
app.showTab = showTab;
app.reload = reload;

setUpTop(() => {
  app.map.recolor();
  app.player.drawTimeline();
});

/** Read the library, and show it or why it cannot be shown. */
async function reload() {
  const library = await get("library");
  const shown = library.state === "ok";
  $("state").hidden = shown;
  $("panel").inert = !shown;
  if (!shown) {
    document.body.dataset.state = library.state;
    const titles = { empty: "No songs yet", missing: "No library here", unreadable: "This library cannot be read" };
    $("state-title").textContent = titles[library.state] ?? "This library cannot be shown";
    $("state-message").textContent = library.message ?? "";
    $("state-how").hidden = library.state === "unreadable";
    nameLibrary(library);
    announce(`${$("state-title").textContent}. ${$("state-message").textContent}`);
    return;
  }
  const columns = await get("songs");
  document.body.dataset.state = "ok";
  const before = app.songs;
  const songs = new Songs(columns);
  app.songs = songs;
  app.generation = columns.generation;
  app.player.load(songs, columns.generation);
  app.explore.load(songs);
  if (before) {
    app.ask.reload(before, songs);
    app.answer.reload(before, songs);
    const more = songs.count - before.count;
    toast(more > 0 ? `${count(more, "new song")} in the library` : "The library was read anew");
  }
  app.map.play(app.player.row);
  const mean = songs.mean();
  $("mood-wheel").replaceChildren(wheel(mean, 132));
  $("mood-bars").replaceChildren(bars(mean));
  nameLibrary(library, `, model ${library.model}`);
  $("by").querySelector("[value=felt]").disabled = !library.felt;
  for (const id of ["map", "panel"]) $(id).setAttribute("aria-busy", "false");
  showMissing();
}

/** Name the library by its file, and where it is on pointing at it. */
function nameLibrary(library, more = "") {
  const name = (library.name ?? "").split(/[\\/]/).pop();
  $("library-name").textContent = app.songs && library.state === "ok" ? `${name} · ${count(app.songs.count, "song")}` : name;
  $("library-name").title = `${library.name ?? ""}${more}`;
}

/** Say how many files are gone. */
function showMissing() {
  const { missing } = app.songs;
  $("missing-note").hidden = !missing.size;
  $("missing-note").textContent =
    missing.size === app.songs.count
      ? "The music files are not where the library says; the songs cannot be played."
      : `${count(missing.size, "file")} of the library ${missing.size === 1 ? "is" : "are"} not where it says.`;
}

/** Show one tab of the panel, and one way of asking. */
function showTab(name, way) {
  for (const tab of document.querySelectorAll("#tabs [role=tab]")) {
    const on = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    $(`panel-${tab.dataset.tab}`).hidden = !on;
  }
  document.body.dataset.tab = name;
  if (way) app.ask.show(way);
}

for (const tab of document.querySelectorAll("#tabs [role=tab]")) {
  tab.addEventListener("click", () => showTab(tab.dataset.tab));
  tab.addEventListener("keydown", (event) => {
    const tabs = [...document.querySelectorAll("#tabs [role=tab]")];
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    showTab(next.dataset.tab);
  });
}
$("search").addEventListener("input", () => $("search").value && showTab("explore"));

app.player.addEventListener("song", ({ detail }) => {
  app.map.play(detail.row);
  app.explore.mark(detail.row);
  $("like-playing").disabled = detail.row === null;
});
app.player.addEventListener("moment", ({ detail }) => app.map.moveMoment(detail));
app.answer.addEventListener("answer", () => app.explore.mark(app.player.row));
app.answer.addEventListener("like", ({ detail }) => app.ask.moreLike([detail.row]));
app.explore.addEventListener("select", () => app.explore.selected && showTab("explore"));
$("selection-play").addEventListener("click", () => app.player.play(app.explore.selected));
$("selection-like").addEventListener("click", () => app.ask.moreLike(app.explore.selected.slice(0, 20)));
for (const format of ["m3u8", "xspf", "paths"]) $(`selection-${format}`).addEventListener("click", () => app.save(app.explore.selected, "Selection", format));

const keys = {
  " ": () => app.player.toggle(),
  ArrowRight: () => app.player.seek(app.player.audio.currentTime + 5),
  ArrowLeft: () => app.player.seek(app.player.audio.currentTime - 5),
  ArrowUp: () => app.player.setVolume(app.player.audio.volume + 0.05),
  ArrowDown: () => app.player.setVolume(app.player.audio.volume - 0.05),
  n: () => app.player.next(),
  p: () => app.player.previous(),
  m: () => app.player.mute(),
  q: () => app.player.openQueue(),
  s: () => $("spread").click(),
  l: () => $("lasso").click(),
  h: () => showTab("feel"),
  a: () => showTab("ask"),
  "/": () => $("search").focus(),
  "?": () => $("help").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.key === "Escape") {
    if (!$("queue").hidden) app.player.openQueue(false);
    else if (app.observe.running) app.observe.stop("Cancelled. The camera is off.");
    else if (app.map.lassoing) app.explore.setLasso(false);
    else if (app.explore.selected) app.explore.select(null);
    return;
  }
  // Elsewhere the up and down keys scroll.
  if (/^Arrow(Up|Down)$/.test(event.key) && event.target !== document.body && !event.target.closest("#player")) return;
  const typing = event.target.closest("input, select, textarea");
  const pressing = event.key === " " && event.target.closest("button, summary, a");
  if (typing || pressing || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

/** For tests: whether the songs are there, and where one is drawn, in pixels of the window. */
window.circumplex = {
  ready: () => app.songs !== null,
  position(row) {
    const frame = $("map").getBoundingClientRect();
    const [x, y] = app.map.position(row);
    return { x: frame.left + x, y: frame.top + y };
  },
};

let away = false;

/** Read the library; where the server does not answer or refuses, say so. Returns whether it may answer later. */
async function start() {
  try {
    await reload();
  } catch (error) {
    $("banner").textContent = error.message;
    $("banner").hidden = false;
    $("library-name").textContent = "";
    away = error.status === 0;
    return error.status !== 401 && error.status !== 403;
  }
  return true;
}

const listeners = {
  changed: (generation) => generation !== app.generation && start(),
  async missing(number) {
    if (!app.songs || number === app.songs.missing.size) return;
    const { generation, missing } = await get("songs");
    if (generation !== app.generation) return;
    app.songs.missing = new Set(missing);
    app.explore.update();
    showMissing();
  },
  async connected(now) {
    if (now && !away) return;
    away = !now;
    $("banner").hidden = now;
    if (away) return ($("banner").textContent = "The server does not answer. Is circumplex serve still running? Trying again…");
    announce("The server answers again");
    await start();
  },
};
if (await start()) watch(listeners);
