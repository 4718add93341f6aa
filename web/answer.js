/** Asking the server for songs, and its answer: the emotions that were asked for and the nearest songs with their reasons. */

import { post } from "./api.js";
import { $, announce, arrowKeys, clock, el, iconButton } from "./dom.js";
import { EMOTIONS, bars, color, describe, wheel } from "./emotions.js";

/** The options of the form under the questions, as the API takes them. */
function options() {
  const chosen = { k: Number($("k").value) || 5 };
  if ($("where").value.trim()) chosen.where = $("where").value.trim();
  for (const [id, name] of [["per-artist", "limit_per_artist"], ["per-album", "limit_per_album"]]) if ($(id).value) chosen[name] = Number($(id).value);
  if ($("by").value) chosen.by = $("by").value;
  if ($("relative").checked) chosen.relative = true;
  if ($("one-per-title").checked) chosen.one_per_title = true;
  return chosen;
}

/** Events: `answer` {answer}, `like` {row}. */
export class Answer extends EventTarget {
  /** @param app what the answer needs of the rest: `songs`, `generation`, `player`, `map`, `reload()`, `save(rows, name, format)` */
  constructor(app) {
    super();
    this.app = app;
    this.latest = 0;
    arrowKeys($("results"));
    $("answer-play").addEventListener("click", () => app.player.play(this.rows, 0));
    $("answer-queue").addEventListener("click", () => app.player.add(this.rows));
    for (const format of ["m3u8", "xspf", "paths"]) $(`answer-${format}`).addEventListener("click", () => app.save(this.rows, this.title, format));
  }

  /**
   * Ask and show. Throws what the server refuses, except a condition that it cannot read, which is shown at its field.
   * @param question one question of the API, and `lead` if any
   * @returns the answer, or null where a later question overtook it or its condition is wrong
   */
  async ask(question, title, again = true) {
    const turn = ++this.latest;
    $("where-error").hidden = true;
    $("where").removeAttribute("aria-invalid");
    let answer;
    try {
      answer = await post("query", { ...question, ...options(), generation: this.app.generation });
    } catch (error) {
      if (turn !== this.latest) return null;
      if (error.status === 409 && again) {
        await this.app.reload();
        return this.ask(question, title, false);
      }
      if (error.field !== "where") throw error;
      $("where-error").textContent = error.message;
      $("where-error").hidden = false;
      $("where").setAttribute("aria-invalid", "true");
      $("options").open = true;
      return null;
    }
    if (turn !== this.latest) return null;
    answer.isPath = question.lead !== undefined;
    this.show(answer, title);
    return answer;
  }

  show(answer, title) {
    this.answer = answer;
    this.title = title;
    this.rows = answer.songs.map((song) => song.row);
    const vector = EMOTIONS.map((name) => answer.query.emotions[name] ?? 0);
    $("answer").hidden = false;
    $("library-mood").hidden = true;
    $("answer-title").textContent = title;
    $("answer-wheel").replaceChildren(wheel(vector, 132));
    $("answer-small").replaceChildren(wheel(vector, 56));
    $("answer-words").textContent = describe(vector);
    $("answer-bars").replaceChildren(bars(vector));
    $("results").replaceChildren(...answer.songs.map((song, i) => this.item(song, i)));
    $("no-results").hidden = this.rows.length > 0;
    $("answer-actions").hidden = !this.rows.length;
    const { valence, arousal } = answer.query;
    this.app.map.pin(this.rows, valence === null || valence === undefined ? null : [valence, arousal], answer.isPath);
    announce(`${describe(vector)}. ${this.rows.length} songs found${answer.songs[0] ? `, first ${answer.songs[0].title}` : ""}`);
    this.dispatchEvent(new CustomEvent("answer", { detail: { answer } }));
  }

  item(song, i) {
    const { player, map } = this.app;
    const names = [song.artist, song.album].filter(Boolean).join(" · ");
    return el(
      "li",
      { "data-row": song.row, class: this.app.songs.missing.has(song.row) ? "gone" : "", ...map.pointing(song.row) },
      el(
        "button",
        { type: "button", class: names ? "result" : "result nameless", onclick: () => player.play(this.rows, i) },
        el("span", { class: "result-number", "aria-hidden": "true" }, String(i + 1)),
        el("span", { class: "song-title" }, song.title),
        el("span", { class: "song-artist" }, names),
        el("span", { class: "result-reason" }, song.reason ?? ""),
        el("span", { class: "song-time" }, clock(song.duration_s)),
        el("span", { class: "result-similarity", title: "similarity" }, el("span", { class: "visually-hidden" }, "similarity "), song.similarity.toFixed(2)),
      ),
      el(
        "span",
        { class: "result-more" },
        iconButton("queue-add", `Queue ${song.title}`, () => player.add([song.row])),
        iconButton("like", `More like ${song.title}`, () => this.dispatchEvent(new CustomEvent("like", { detail: { row: song.row } }))),
      ),
      el("i", { class: "result-tone", style: { background: color(this.app.songs.own[song.row]) }, "aria-hidden": "true" }),
    );
  }

  /** Follow the songs into a library that was read anew, or hide where one of them is gone. */
  reload(before, songs) {
    if ($("answer").hidden) return;
    const rows = new Map(songs.find(this.rows.map((row) => before.key(row))).map((row) => [songs.key(row), row]));
    for (const song of this.answer.songs) song.row = rows.get(before.key(song.row));
    if (rows.size === this.rows.length) this.show(this.answer, this.title);
    else this.hide();
  }

  hide() {
    $("answer").hidden = true;
    $("library-mood").hidden = false;
    this.app.map.pin([], null);
  }
}
