/** The player: queue, keys, media keys, the timeline of the song. */

import { ApiError, address, get } from "./api.js";
import { $, announce, arrowKeys, clock, debounce, el, iconButton, toast } from "./dom.js";
import { color, strongest, rgb, wheel } from "./emotions.js";

/** Events: `song` {row or null}, `moment` {[valence, arousal] or null}. */
export class Player extends EventTarget {
  constructor() {
    super();
    this.audio = $("audio");
    this.queue = [];
    this.index = -1;
    this.wav = false;
    this.failures = 0;
    this.setVolume(Number(localStorage.getItem("volume") ?? 1));
    this.listen();
    this.showSong();
  }

  /** Take the songs of the library. The queue stays, by the songs' names. */
  load(songs, generation) {
    const keep = this.queue.map((row) => this.songs.key(row));
    const playing = keep[this.index];
    this.songs = songs;
    this.generation = generation;
    if (!keep.length) return;
    const rows = new Map(songs.find(keep).map((row) => [songs.key(row), row]));
    this.queue = keep.map((key) => rows.get(key)).filter((row) => row !== undefined);
    this.index = this.queue.indexOf(rows.get(playing));
    this.showQueue();
    this.emit("song", { row: this.row });
  }

  /** The row that plays, or null. */
  get row() {
    return this.queue[this.index] ?? null;
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Let the click that is being handled count for a song that begins later: browsers allow sound only after one. */
  unlock() {
    if (this.row !== null) return;
    this.audio.src = URL.createObjectURL(silence());
    this.audio.play().catch(() => {});
  }

  /** Replace the queue and play from `index`. */
  play(rows, index = 0) {
    this.queue = [...rows];
    this.failures = 0;
    this.start(index);
  }

  /** Put rows at the end of the queue. */
  add(rows) {
    this.queue.push(...rows);
    if (this.index < 0) this.start(0);
    this.showQueue();
  }

  start(index) {
    this.index = index;
    this.wav = false;
    this.points = [];
    this.showSong();
    this.showQueue();
    this.emit("song", { row: this.row });
    this.emit("moment", null);
    if (this.row === null) return;
    this.source();
    this.timeline();
  }

  source(at = 0) {
    const query = `generation=${this.generation}${this.wav ? "&format=wav" : ""}`;
    this.audio.src = address(`songs/${this.row}/audio?${query}`);
    if (at) this.audio.currentTime = at;
    this.resume();
  }

  async resume() {
    try {
      await this.audio.play();
      $("blocked").hidden = true;
    } catch (error) {
      if (error.name !== "NotAllowedError") return;
      $("blocked").hidden = false;
      announce("The browser wants a click before it plays");
    }
  }

  toggle() {
    if (this.row === null) return;
    if (this.audio.paused) this.resume();
    else this.audio.pause();
  }

  next() {
    if (this.index + 1 < this.queue.length) this.start(this.index + 1);
  }

  previous() {
    if (this.audio.currentTime > 3 || this.index <= 0) this.audio.currentTime = 0;
    else this.start(this.index - 1);
  }

  seek(seconds) {
    if (this.row === null) return;
    this.audio.currentTime = Math.min(Math.max(seconds, 0), this.duration || 0);
    this.tick();
  }

  get duration() {
    const { duration } = this.audio;
    return Number.isFinite(duration) ? duration : this.row === null ? NaN : this.songs.duration_s[this.row] ?? NaN;
  }

  setVolume(volume) {
    this.audio.volume = Math.min(Math.max(volume, 0), 1);
    this.audio.muted = false;
    $("volume").value = this.audio.volume;
    $("volume").setAttribute("aria-valuetext", `${Math.round(100 * this.audio.volume)} %`);
    localStorage.setItem("volume", this.audio.volume);
  }

  listen() {
    const { audio } = this;
    $("play").addEventListener("click", () => this.toggle());
    $("next").addEventListener("click", () => this.next());
    $("previous").addEventListener("click", () => this.previous());
    $("blocked").addEventListener("click", () => this.resume());
    $("mute").addEventListener("click", () => this.mute());
    $("volume").addEventListener("input", (event) => this.setVolume(Number(event.target.value)));
    $("seek").addEventListener("input", (event) => this.seek((event.target.value / 1000) * this.duration));
    $("queue-open").addEventListener("click", () => this.openQueue());
    $("queue-close").addEventListener("click", () => this.openQueue(false));
    $("queue-clear").addEventListener("click", () => {
      this.queue = this.row === null ? [] : [this.row];
      this.index = this.queue.length - 1;
      this.showQueue();
    });
    arrowKeys($("queue-list"));
    for (const type of ["play", "pause", "ended"]) audio.addEventListener(type, () => this.showState());
    audio.addEventListener("timeupdate", () => this.tick());
    audio.addEventListener("durationchange", () => this.tick());
    audio.addEventListener("volumechange", () => $("mute").querySelector("use").setAttribute("href", audio.muted || !audio.volume ? "#i-mute" : "#i-volume"));
    audio.addEventListener("playing", () => (this.failures = 0));
    audio.addEventListener("ended", () => this.row !== null && this.next());
    audio.addEventListener("error", () => this.failed());
    new ResizeObserver(debounce(() => this.drawTimeline(), 50)).observe($("timeline"));
    $("timeline").addEventListener("pointerdown", (event) => this.seek((event.offsetX / $("timeline").clientWidth) * this.duration));
    if (!navigator.mediaSession) return;
    const handlers = {
      play: () => this.resume(),
      pause: () => audio.pause(),
      nexttrack: () => this.next(),
      previoustrack: () => this.previous(),
      seekto: (details) => this.seek(details.seekTime),
      seekforward: (details) => this.seek(audio.currentTime + (details.seekOffset ?? 10)),
      seekbackward: (details) => this.seek(audio.currentTime - (details.seekOffset ?? 10)),
    };
    for (const [action, handler] of Object.entries(handlers)) {
      try {
        navigator.mediaSession.setActionHandler(action, handler);
      } catch {
        // This browser does not know the action.
      }
    }
  }

  mute() {
    this.audio.muted = !this.audio.muted;
    announce(this.audio.muted ? "Muted" : "Sound on");
  }

  /** The browser cannot play the file: take it as WAV, and if that fails too, say why and go on. */
  async failed() {
    const row = this.row;
    if (row === null || !this.audio.getAttribute("src")) return;
    if (!this.wav) {
      this.wav = true;
      return this.source(this.audio.currentTime);
    }
    let line = "cannot be played";
    try {
      await get(`songs/${row}/audio?generation=${this.generation}&format=wav`);
    } catch (error) {
      if (error instanceof ApiError) line = error.message;
      if (error.status === 0) return toast(line);
    }
    if (row !== this.row) return;
    toast(`${this.songs.title[row]}: ${line}`);
    this.failures++;
    // Some missing files are passed over; a library whose files are all gone is not.
    if (this.failures < 5) this.next();
  }

  async timeline() {
    const row = this.row;
    this.drawTimeline();
    try {
      const { points, step_s: step, window_s: window } = await get(`songs/${row}/timeline?generation=${this.generation}`);
      if (row !== this.row) return;
      this.points = points;
      this.step = step;
      this.window = window;
    } catch {
      // The song plays without its timeline.
    }
    this.drawTimeline();
  }

  /** The point of the timeline at a time: the window around it. */
  pointAt(seconds) {
    let best = null;
    for (const point of this.points) {
      if (best && Math.abs(point.start_s + this.window / 2 - seconds) >= Math.abs(best.start_s + this.window / 2 - seconds)) break;
      best = point;
    }
    return best;
  }

  /** Valence, arousal between the middles of windows. */
  moment(seconds) {
    const middle = (point) => point.start_s + this.window / 2;
    const after = this.points.findIndex((point) => middle(point) >= seconds);
    if (after <= 0) {
      const only = this.points.at(after);
      return only ? [only.valence, only.arousal] : null;
    }
    const [a, b] = [this.points[after - 1], this.points[after]];
    const share = (seconds - middle(a)) / (middle(b) - middle(a));
    return [a.valence + share * (b.valence - a.valence), a.arousal + share * (b.arousal - a.arousal)];
  }

  showState() {
    const playing = !this.audio.paused && this.row !== null;
    $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    $("play").title = playing ? "Pause (space)" : "Play (space)";
    $("play").querySelector("use").setAttribute("href", playing ? "#i-pause" : "#i-play");
    document.body.classList.toggle("playing", playing);
    if (navigator.mediaSession) navigator.mediaSession.playbackState = playing ? "playing" : "paused";
    if (playing && !this.frame) this.follow();
  }

  /** Move the playhead smoothly while the song plays. */
  follow() {
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (this.audio.paused || this.row === null) return;
      this.tick();
      this.follow();
    });
  }

  showSong() {
    const row = this.row;
    const some = row !== null;
    for (const id of ["play", "next", "previous", "seek"]) $(id).disabled = !some;
    $("player").classList.toggle("idle", !some);
    $("now-title").textContent = some ? this.songs.title[row] : "Nothing plays yet";
    $("now-artist").textContent = some ? [this.songs.artist[row], this.songs.album[row]].filter(Boolean).join(" · ") : "Pick a song on the map, or tell how you feel";
    $("now-wheel").replaceChildren(some && this.songs.placed(row) ? wheel(this.songs.percentages(row), 52) : wheel(new Array(8).fill(0), 52, ""));
    document.title = some ? `${this.songs.name(row)} · circumplex` : "circumplex";
    this.tick();
    if (!some) return;
    announce(`Playing ${this.songs.name(row)}`);
    if (navigator.mediaSession)
      navigator.mediaSession.metadata = new MediaMetadata({ title: this.songs.title[row], artist: this.songs.artist[row] ?? "", album: this.songs.album[row] ?? "" });
  }

  tick() {
    const some = this.row !== null;
    const [at, of] = [some ? this.audio.currentTime : 0, some ? this.duration : NaN];
    $("elapsed").textContent = clock(some ? at : NaN);
    $("duration").textContent = clock(of);
    const share = of ? Math.min(at / of, 1) : 0;
    $("seek").value = 1000 * share;
    $("seek").style.setProperty("--share", `${100 * share}%`);
    $("seek").setAttribute("aria-valuetext", `${clock(at)} of ${clock(of)}`);
    $("playhead").style.left = `${100 * share}%`;
    const moment = some && this.points?.length ? this.moment(at) : null;
    $("now-moment").textContent = moment ? `valence ${moment[0].toFixed(1)} · arousal ${moment[1].toFixed(1)}` : "";
    this.emit("moment", moment);
  }

  /** The strip of emotions and the lines of valence and arousal. */
  drawTimeline() {
    const canvas = $("timeline");
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const ratio = Math.min(devicePixelRatio || 1, 2);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const { points } = this;
    canvas.classList.toggle("none", !points?.length);
    if (!points?.length) return;
    const of = this.duration || points.at(-1).start_s + this.window;
    const x = (seconds) => (width * seconds) / of;
    const css = (name) => `rgb(${rgb(name).map((part) => Math.round(255 * part))})`;
    const names = new Map();
    for (const [i, point] of points.entries()) {
      const from = i ? point.start_s + this.window / 2 - this.step / 2 : 0;
      const to = i + 1 < points.length ? point.start_s + this.window / 2 + this.step / 2 : of;
      const best = strongest(point.emotions);
      if (!names.has(best)) names.set(best, css(color(best).slice(6, -1)));
      context.globalAlpha = 0.9;
      context.fillStyle = names.get(best);
      context.fillRect(x(from), height - 5, x(to) - x(from) + 0.5, 5);
    }
    context.globalAlpha = 1;
    // From the least to the most that the song reaches, at least two units apart, so that a line is not all noise.
    const values = points.flatMap((point) => [point.valence, point.arousal]);
    const middle = (Math.max(...values) + Math.min(...values)) / 2;
    const reach = Math.max((Math.max(...values) - Math.min(...values)) / 2, 1);
    const y = (value) => (height - 9) * (0.5 - (0.44 * (value - middle)) / reach) + 1;
    for (const [name, tone, dash] of [["valence", "valence", []], ["arousal", "arousal", [4, 3]]]) {
      context.beginPath();
      if (points.length === 1) context.moveTo(0, y(points[0][name]));
      else context.moveTo(0, y(points[0][name]));
      for (const point of points) context.lineTo(x(point.start_s + this.window / 2), y(point[name]));
      context.lineTo(width, y(points.at(-1)[name]));
      context.strokeStyle = css(tone);
      context.lineWidth = 1.6;
      context.setLineDash(dash);
      context.lineJoin = "round";
      context.stroke();
    }
  }

  openQueue(open = $("queue").hidden) {
    $("queue").hidden = !open;
    $("queue-open").setAttribute("aria-expanded", String(open));
    (open ? $("queue-close") : $("queue-open")).focus();
  }

  showQueue() {
    const shown = this.queue.slice(Math.max(this.index, 0), this.index + 200);
    $("queue-count").textContent = this.queue.length > this.index + 1 ? String(this.queue.length - this.index - 1) : "";
    $("queue-list").replaceChildren(
      ...shown.map((row, i) => {
        const place = Math.max(this.index, 0) + i;
        return el(
          "li",
          place === this.index ? { "aria-current": "true" } : {},
          el(
            "button",
            { type: "button", class: "song", onclick: () => this.start(place) },
            el("i", { class: "dot", style: { background: color(this.songs.own[row]) }, "aria-hidden": "true" }),
            el("span", { class: "song-title" }, this.songs.title[row]),
            el("span", { class: "song-artist" }, this.songs.artist[row] ?? ""),
          ),
          place === this.index ? null : iconButton("close", `Remove ${this.songs.title[row]}`, () => this.remove(place)),
        );
      }),
    );
  }

  remove(place) {
    this.queue.splice(place, 1);
    if (place < this.index) this.index--;
    this.showQueue();
  }
}

/** A tenth of a second of silence as WAV. */
function silence() {
  const samples = 800;
  const bytes = new DataView(new ArrayBuffer(44 + samples));
  const text = (at, letters) => [...letters].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + samples, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, 8000, true);
  bytes.setUint32(28, 8000, true);
  bytes.setUint16(32, 1, true);
  bytes.setUint16(34, 8, true);
  text(36, "data");
  bytes.setUint32(40, samples, true);
  for (let i = 0; i < samples; i++) bytes.setUint8(44 + i, 128);
  return new Blob([bytes.buffer], { type: "audio/wav" });
}
