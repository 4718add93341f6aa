/** Finding songs: search, filters, the list, the hover card, the switch that spreads the songs, the lasso. */

import { $, announce, arrowKeys, clock, count, debounce, el, icon } from "./dom.js";
import { EMOTIONS, color, describe, order, wheel } from "./emotions.js";

const ROWS_SHOWN = 200;

export class Explore extends EventTarget {
  /** @param map a `PlaneMap` @param play called with rows and the index of the one to play; absent where nothing plays */
  constructor(map, play) {
    super();
    this.map = map;
    this.play = play;
    this.emotions = new Set();
    this.selected = null;
    for (const [i, name] of EMOTIONS.entries()) {
      $("emotions").append(
        el(
          "button",
          { type: "button", class: "chip", id: `filter-${name}`, "aria-pressed": "false", style: { "--tone": color(i) }, onclick: (event) => this.toggle(i, event.currentTarget) },
          el("i", { class: "dot", style: { background: color(i) }, "aria-hidden": "true" }),
          name,
          el("span", { class: "chip-count" }),
        ),
      );
    }
    $("search").addEventListener("input", debounce(() => this.update(), 80));
    $("search").addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "Enter") return;
      event.preventDefault();
      const first = $("songs").querySelector("button");
      if (event.key === "Enter") first?.click();
      else first?.focus();
    });
    arrowKeys($("songs"));
    $("genre").addEventListener("change", () => this.update());
    $("artist").addEventListener("input", debounce(() => this.update(), 150));
    $("clear-filters").addEventListener("click", () => this.clear());
    $("spread").addEventListener("change", (event) => this.setSpread(event.target.checked));
    $("zoom-in").addEventListener("click", () => map.zoomBy(1.5));
    $("zoom-out").addEventListener("click", () => map.zoomBy(1 / 1.5));
    $("zoom-reset").addEventListener("click", () => map.reset());
    $("lasso").addEventListener("click", () => this.setLasso(!map.lassoing));
    $("selection-clear").addEventListener("click", () => this.select(null));
    map.addEventListener("hover", ({ detail }) => this.card(detail));
    map.addEventListener("pick", ({ detail }) => (this.play ? this.play([detail.row], 0) : map.hover(detail.row)));
    map.addEventListener("lasso", ({ detail }) => {
      this.setLasso(false);
      this.select(detail.rows.length ? detail.rows : null);
      if (!detail.rows.length) announce("No song inside the lasso");
    });
  }

  /** Show these songs, spread by rank if they are the first and lie close together. What was selected stays selected, by the songs' names. */
  load(songs) {
    const kept = this.selected?.map((row) => this.songs.key(row));
    const first = !this.songs;
    this.songs = songs;
    this.map.load(songs);
    if (first && songs.crowded()) {
      $("spread").checked = true;
      this.map.setSpread(true);
    }
    this.selected = kept ? songs.find(kept) : null;
    const options = (values) => values.map(([value, number]) => el("option", { value }, `${value} (${number})`));
    const genre = $("genre").value;
    $("genre").replaceChildren(el("option", { value: "" }, "All genres"), ...options(songs.values("genre")));
    $("genre").value = genre;
    if ($("genre").selectedIndex < 0) $("genre").value = "";
    $("genre").disabled = $("genre").options.length < 2;
    $("artists").replaceChildren(...songs.values("artist").map(([value]) => el("option", { value })));
    this.update();
    this.showSelection();
  }

  toggle(emotion, chip) {
    if (!this.emotions.delete(emotion)) this.emotions.add(emotion);
    chip.setAttribute("aria-pressed", String(this.emotions.has(emotion)));
    this.update();
  }

  clear() {
    $("search").value = "";
    $("genre").value = "";
    $("artist").value = "";
    this.emotions.clear();
    for (const chip of $("emotions").children) chip.setAttribute("aria-pressed", "false");
    this.select(null);
  }

  setSpread(on) {
    this.map.setSpread(on);
    announce(on ? "Songs spread by rank within the library" : "Songs at their own places");
    this.update();
  }

  setLasso(on) {
    this.map.lassoing = on;
    $("lasso").setAttribute("aria-pressed", String(on));
    $("map").classList.toggle("lassoing", on);
    if (on) announce("Draw around the songs");
  }

  /** Select rows, or none. */
  select(rows) {
    this.selected = rows;
    this.update();
    this.showSelection();
    if (rows) announce(`${count(rows.length, "song")} selected`);
    this.dispatchEvent(new Event("select"));
  }

  showSelection() {
    $("selection").hidden = !this.selected;
    if (this.selected) $("selection-count").textContent = `${count(this.selected.length, "song")} selected`;
  }

  /** The rows that pass search and filters, or null where all do. */
  matches() {
    const question = { text: $("search").value.trim(), emotions: this.emotions, genre: $("genre").value, artist: $("artist").value.trim(), spread: $("spread").checked };
    const any = question.text || question.emotions.size || question.genre || question.artist;
    return any ? this.songs.filter(question) : null;
  }

  update() {
    if (!this.songs) return;
    const { songs } = this;
    const matches = this.matches();
    this.map.show(matches, new Set(this.selected ?? []));
    let rows = matches ?? Array.from({ length: songs.count }, (_, row) => row);
    if (this.selected) {
      const selected = new Set(this.selected);
      rows = rows.filter((row) => selected.has(row));
    }
    this.rows = rows;
    const by = $("spread").checked ? songs.ranked : songs.own;
    const counts = new Array(8).fill(0);
    for (let row = 0; row < songs.count; row++) if (songs.placed(row)) counts[by[row]]++;
    [...$("emotions").children].forEach((chip, i) => (chip.querySelector(".chip-count").textContent = counts[i].toLocaleString("en-US")));
    $("clear-filters").hidden = !matches && !this.selected;
    $("found").textContent = rows.length === songs.count ? count(songs.count, "song") : `${rows.length.toLocaleString("en-US")} of ${count(songs.count, "song")}`;
    $("songs").replaceChildren(...rows.slice(0, ROWS_SHOWN).map((row, i) => this.item(row, i)));
    $("more").hidden = rows.length <= ROWS_SHOWN;
    $("more").textContent = `and ${count(rows.length - ROWS_SHOWN, "more song", "more songs")}: search or filter to see them`;
    $("nothing").hidden = rows.length > 0;
    this.mark(this.playing);
  }

  item(row, i) {
    const { songs } = this;
    const gone = songs.missing.has(row);
    const strongest = ($("spread").checked ? songs.ranked : songs.own)[row];
    const activate = () => (this.play ? this.play(this.rows.slice(0, 1000), i) : this.map.hover(row));
    return el(
      "li",
      { "data-row": row, class: gone ? "gone" : "" },
      el(
        "button",
        { type: "button", class: "song", onclick: activate, ...this.map.pointing(row) },
        el("i", { class: "dot", style: { background: songs.placed(row) ? color(strongest) : "" }, "aria-hidden": "true" }),
        el("span", { class: "song-title" }, songs.title[row]),
        el("span", { class: "song-artist" }, gone ? "file missing" : songs.artist[row] ?? ""),
        el("span", { class: "song-time" }, clock(songs.duration_s[row])),
        el("span", { class: "visually-hidden" }, songs.placed(row) ? describe(songs.percentages(row), 1) : "silent"),
      ),
    );
  }

  /** Mark the song that plays in the list. */
  mark(row) {
    this.playing = row;
    for (const item of document.querySelectorAll("[data-row]")) {
      if (Number(item.dataset.row) === row) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
    }
  }

  /** The card beside the song under the pointer. */
  card({ row, x, y }) {
    const card = $("card");
    card.hidden = row === null;
    if (row === null) return;
    const { songs } = this;
    const percentages = songs.percentages(row);
    const [artist, album] = [songs.artist[row], songs.album[row]];
    card.replaceChildren(
      wheel(percentages, 92),
      el(
        "div",
        { class: "card-text" },
        el("strong", {}, songs.title[row]),
        artist || album ? el("span", { class: "card-artist" }, [artist, album].filter(Boolean).join(" · ")) : null,
        el(
          "ul",
          { class: "card-emotions" },
          ...order(percentages)
            .slice(0, 4)
            .map((i) => el("li", {}, el("i", { class: "dot", style: { background: color(i) } }), el("b", {}, `${Math.round(percentages[i])} %`), ` ${EMOTIONS[i]}`)),
        ),
        songs.missing.has(row) ? el("span", { class: "card-warning" }, icon("alert"), "file missing") : null,
      ),
    );
    // Beside the song, inside the map.
    const [width, height] = [card.offsetWidth, card.offsetHeight];
    const left = x + 18 + width > this.map.width ? x - 18 - width : x + 18;
    card.style.left = `${Math.min(Math.max(left, 8), Math.max(this.map.width - width - 8, 8))}px`;
    card.style.top = `${Math.min(Math.max(y - height / 2, 8), Math.max(this.map.height - height - 8, 8))}px`;
    announce(`${songs.name(row)}: ${describe(percentages)}`);
  }
}
