/** The songs of the library as columns, with search, ranks and names. */

import { CENTER, REACH, sector, strongest } from "./emotions.js";

/** Standard deviation of valence or arousal below which a library is crowded, in points from 1 to 9. */
const CROWDED = 1;
/** Ranks among fewer songs say little. */
const FEW_SONGS = 20;

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export class Songs {
  /** @param columns `title`, `artist`, `album`, `genre`, `duration_s`, `valence`, `arousal`, `emotions` (tenths of a percent), one entry per song; `silent`, `missing`: rows */
  constructor(columns) {
    Object.assign(this, columns);
    this.count = columns.title.length;
    const none = (value) => value ?? NaN;
    this.valence = Float32Array.from(columns.valence, none);
    this.arousal = Float32Array.from(columns.arousal, none);
    for (const row of columns.silent ?? []) this.valence[row] = this.arousal[row] = NaN;
    this.rankValence = ranks(this.valence);
    this.rankArousal = ranks(this.arousal);
    this.missing = new Set(columns.missing ?? []);
    this.own = new Uint8Array(this.count);
    this.ranked = new Uint8Array(this.count);
    for (let row = 0; row < this.count; row++) {
      this.own[row] = strongest(columns.emotions[row] ?? []);
      this.ranked[row] = sector(this.rankValence[row], this.rankArousal[row]);
    }
  }

  /** The eight percentages of a song. */
  percentages(row) {
    return this.emotions[row].map((tenths) => tenths / 10);
  }

  /** The mean of the percentages of all songs that have a place. */
  mean() {
    const sums = new Array(8).fill(0);
    let songs = 0;
    for (let row = 0; row < this.count; row++) {
      if (!this.placed(row)) continue;
      songs++;
      for (let i = 0; i < 8; i++) sums[i] += this.emotions[row][i] / 10;
    }
    return sums.map((sum) => sum / Math.max(songs, 1));
  }

  /** Whether a song has a place on the plane; a silent one has none. */
  placed(row) {
    return this.valence[row] === this.valence[row];
  }

  /** Whether the songs lie so close together that their ranks show more than their places. */
  crowded() {
    const deviation = (values) => {
      const known = values.filter((value) => value === value);
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      return known.length < FEW_SONGS ? Infinity : Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length);
    };
    return Math.min(deviation(this.valence), deviation(this.arousal)) < CROWDED;
  }

  /** `Artist – Title` for one line. */
  name(row) {
    return this.artist[row] ? `${this.artist[row]} – ${this.title[row]}` : this.title[row];
  }

  /** A name that stays the same when the library is read anew. */
  key(row) {
    return [this.title[row], this.artist[row], this.album[row], this.duration_s[row]].join("\n");
  }

  /** The rows of songs by their keys, to find songs of an earlier state of the library again. */
  find(keys) {
    const wanted = new Set(keys);
    const rows = [];
    for (let row = 0; wanted.size && row < this.count; row++) if (wanted.delete(this.key(row))) rows.push(row);
    return rows;
  }

  /** Rows whose title, artist or album hold every word, and that pass the other filters. */
  filter({ text = "", emotions = new Set(), genre = "", artist = "", spread = false }) {
    const words = fold(text).split(/\s+/).filter(Boolean);
    if (words.length) this.folded ??= this.title.map((title, row) => fold(`${title}\n${this.artist[row] ?? ""}\n${this.album[row] ?? ""}`));
    const by = spread ? this.ranked : this.own;
    const wanted = artist && fold(artist);
    const rows = [];
    for (let row = 0; row < this.count; row++) {
      if (emotions.size && !emotions.has(by[row])) continue;
      if (genre && this.genre[row] !== genre) continue;
      if (wanted && !fold(this.artist[row] ?? "").includes(wanted)) continue;
      if (words.every((word) => this.folded[row].includes(word))) rows.push(row);
    }
    return rows;
  }

  /** Values of a column with their numbers of songs, most frequent first. */
  values(column, most = 500) {
    const counts = new Map();
    for (const value of this[column]) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]).slice(0, most);
  }

  /** The place that a valence and arousal have among the ranks of the library. */
  rankedPlace(valence, arousal) {
    const share = (values, value) => {
      let [below, songs] = [0, 0];
      for (const other of values) {
        if (other !== other) continue;
        songs++;
        below += other < value ? 1 : other === value ? 0.5 : 0;
      }
      return CENTER - REACH + (2 * REACH * below) / Math.max(songs, 1);
    };
    return [share(this.valence, valence), share(this.arousal, arousal)];
  }
}

/** Values from 1 to 9, evenly spread in the order of `values`; equal values share their mean rank, NaN stays. */
export function ranks(values) {
  const order = [];
  for (let i = 0; i < values.length; i++) if (values[i] === values[i]) order.push(i);
  order.sort((a, b) => values[a] - values[b]);
  const places = new Float32Array(values.length).fill(NaN);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    const rank = (from + to) / 2;
    for (let i = from; i < to; i++) places[order[i]] = CENTER - REACH + (2 * REACH * rank) / order.length;
    from = to;
  }
  return places;
}
