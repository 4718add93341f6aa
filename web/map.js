/** The map: songs on the valence-arousal plane, with zoom, pan, hover, lasso and keyboard. */

import { calm, el } from "./dom.js";
import { CENTER, EMOTIONS, REACH, rgb, sector } from "./emotions.js";
import { points } from "./points.js";

const MARGIN = 34;
const MOST_ZOOM = 60;

/**
 * Events: `hover` {row or null, x, y}, `pick` {row}, `lasso` {rows}. Rows are indices of songs, x and y pixels within the map.
 */
export class PlaneMap extends EventTarget {
  constructor(box) {
    super();
    this.box = box;
    [this.base, this.cloud, this.top] = ["base", "cloud", "top"].map((layer) => el("canvas", { class: `layer ${layer}`, "aria-hidden": "true" }));
    box.prepend(this.base, this.cloud, this.top);
    this.points = points(this.cloud);
    this.spread = 0;
    this.spreadGoal = 0;
    this.zoom = 1;
    this.middle = [0, 0];
    this.hovered = null;
    this.pins = [];
    this.goal = null;
    this.playing = null;
    this.moment = null;
    this.lassoing = false;
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolor());
  }

  /** Show these songs. */
  load(songs) {
    this.hover(null);
    this.songs = songs;
    const pairs = (across, up) => {
      const places = new Float32Array(2 * songs.count);
      for (let row = 0; row < songs.count; row++) {
        // A song without a place is drawn far outside.
        places[2 * row] = songs.placed(row) ? across[row] - CENTER : 1e4;
        places[2 * row + 1] = songs.placed(row) ? up[row] - CENTER : 1e4;
      }
      return places;
    };
    this.own = pairs(songs.valence, songs.arousal);
    this.ranked = pairs(songs.rankValence, songs.rankArousal);
    this.points.places(this.own, this.ranked);
    this.pins = [];
    this.goal = null;
    this.show(null, new Set());
    this.recolor();
  }

  /** Dim all songs but `rows` (null: none), and mark some. */
  show(rows, marked) {
    this.states = new Uint8Array(this.songs.count).fill(rows ? 0 : 1);
    if (rows) for (const row of rows) this.states[row] = 1;
    for (const row of marked) this.states[row] = 2;
    this.points.states(this.states);
    this.draw();
  }

  /** Number these songs on the map, in their order, joined by a line if they are a path, and mark the place that was asked for. */
  pin(rows, goal, isPath = false) {
    this.pins = rows.filter((row) => this.songs.placed(row));
    this.goal = goal;
    this.isPath = isPath;
    this.draw();
  }

  /** Ring the song that plays, and its present place. */
  play(row, moment = null) {
    this.playing = row;
    this.moment = moment;
    this.draw();
  }

  /** Move the present place of the song that plays. */
  moveMoment(moment) {
    if (!moment && !this.moment) return;
    this.moment = moment;
    if (this.width && this.palette) this.paintTop();
  }

  /** Spread the songs by rank, or put them where they are. */
  setSpread(on) {
    this.spreadGoal = on ? 1 : 0;
    const from = this.spread;
    const start = performance.now();
    const step = (now) => {
      const done = calm() ? 1 : Math.min(1, (now - start) / 900);
      const eased = done < 0.5 ? 4 * done ** 3 : 1 - (2 - 2 * done) ** 3 / 2;
      if (this.spreadGoal !== (on ? 1 : 0)) return;
      this.spread = from + (this.spreadGoal - from) * eased;
      this.paint();
      if (done < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Read the colors of the theme anew. */
  recolor() {
    this.palette = EMOTIONS.map(rgb);
    this.ink = rgb("ink");
    this.paper = rgb("surface");
    this.muted = rgb("muted");
    this.dark = this.paper[0] < 0.5;
    if (this.songs) this.points.colors(this.palette, this.songs.own, this.songs.ranked);
    this.draw();
  }

  resize() {
    this.width = this.box.clientWidth;
    this.height = this.box.clientHeight;
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    for (const canvas of [this.base, this.cloud, this.top]) {
      canvas.width = this.width * this.ratio;
      canvas.height = this.height * this.ratio;
    }
    this.paint();
  }

  /** Pixels per unit of the plane. */
  get scale() {
    return (this.zoom * Math.max(Math.min(this.width, this.height) - 2 * MARGIN, 60)) / (2 * REACH);
  }

  /** Where the center of the plane is, in pixels. */
  get origin() {
    return [this.width / 2 - this.middle[0] * this.scale, this.height / 2 + this.middle[1] * this.scale];
  }

  /** Pixels of a place relative to the center. */
  pixel([across, up]) {
    const [x, y] = this.origin;
    return [x + across * this.scale, y - up * this.scale];
  }

  /** Where a song is drawn, in pixels within the map. */
  position(row) {
    const at = (axis) => this.own[2 * row + axis] + this.spread * (this.ranked[2 * row + axis] - this.own[2 * row + axis]);
    return this.pixel([at(0), at(1)]);
  }

  get size() {
    const usual = Math.max(1.3, 10.5 * Math.max(this.songs?.count ?? 1, 1) ** -0.15);
    return usual * Math.min(this.zoom ** 0.3, 2.4) * (this.width < 500 ? 0.8 : 1);
  }

  /** Zoom by a factor; the place under (x, y) stays. */
  zoomBy(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.scale;
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.8), MOST_ZOOM);
    const shift = 1 / before - 1 / this.scale;
    this.middle[0] += (x - this.width / 2) * shift;
    this.middle[1] -= (y - this.height / 2) * shift;
    this.keepInside();
  }

  panBy(x, y) {
    this.middle[0] -= x / this.scale;
    this.middle[1] += y / this.scale;
    this.keepInside();
  }

  keepInside() {
    // One finger moves the map only once it is zoomed; before, it scrolls the page.
    this.box.classList.toggle("zoomed", this.zoom > 1.01);
    this.middle = this.middle.map((value) => Math.min(Math.max(value, -REACH), REACH));
    this.hover(null);
    this.draw();
  }

  /** Show the whole plane. */
  reset() {
    this.zoom = 1;
    this.middle = [0, 0];
    this.keepInside();
  }

  /** The song nearest to a pixel that is not dimmed, or null. */
  nearest(x, y, within = 14) {
    if (!this.songs) return null;
    let [best, least] = [null, within * within];
    const places = this.spreadGoal ? this.ranked : this.own;
    const [left, up] = this.origin;
    const scale = this.scale;
    for (let row = 0; row < this.songs.count; row++) {
      const across = left + scale * places[2 * row] - x;
      const down = up - scale * places[2 * row + 1] - y;
      const distance = across * across + down * down;
      if (distance < least && this.states[row]) [best, least] = [row, distance];
    }
    return best;
  }

  /** The rows inside a polygon of pixels that are not dimmed. */
  inside(polygon) {
    const rows = [];
    for (let row = 0; row < this.songs.count; row++) {
      if (!this.states[row]) continue;
      const [x, y] = this.position(row);
      let within = false;
      for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
        const [[xi, yi], [xj, yj]] = [polygon[i], polygon[j]];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
      }
      if (within) rows.push(row);
    }
    return rows;
  }

  hover(row) {
    if (row === this.hovered) return;
    this.hovered = row;
    const [x, y] = row === null ? [0, 0] : this.position(row);
    this.emit("hover", { row, x, y });
    this.draw();
  }

  /** Listeners that show a song while a mouse is over its entry in a list. */
  pointing(row) {
    return { onpointerenter: (event) => event.pointerType === "mouse" && this.hover(row), onpointerleave: () => this.hover(null) };
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  listen() {
    const box = this.box;
    const at = (event) => {
      const frame = box.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    };
    box.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 20 : 1;
      this.zoomBy(Math.exp(-0.0016 * lines * event.deltaY), ...at(event));
    }, { passive: false });

    this.top.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.top.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, at(event));
      this.moved = this.pointers.size > 1;
      this.lasso = this.pointers.size === 1 && (this.lassoing || event.shiftKey) ? [at(event)] : null;
      if (event.pointerType !== "mouse") this.hover(this.nearest(...at(event), 22));
    });
    this.top.addEventListener("pointermove", (event) => {
      const now = at(event);
      const before = this.pointers.get(event.pointerId);
      if (!before) {
        if (event.pointerType === "mouse") this.hover(this.nearest(...now));
        this.top.style.cursor = this.lassoing ? "crosshair" : this.hovered === null ? "grab" : "pointer";
        return;
      }
      if (!this.moved && Math.hypot(now[0] - before[0], now[1] - before[1]) < 4) return;
      this.moved = true;
      if (this.lasso) {
        this.lasso.push(now);
        this.pointers.set(event.pointerId, now);
        return this.draw();
      }
      if (this.pointers.size === 2) {
        const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
        const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
        this.zoomBy(apart(now) / Math.max(apart(before), 1), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      }
      this.panBy((now[0] - before[0]) / this.pointers.size, (now[1] - before[1]) / this.pointers.size);
      this.pointers.set(event.pointerId, now);
      this.top.style.cursor = "grabbing";
    });
    const up = (event) => {
      const place = this.pointers.get(event.pointerId);
      if (!place) return;
      this.pointers.delete(event.pointerId);
      if (this.lasso) {
        const polygon = this.lasso;
        this.lasso = null;
        this.draw();
        if (polygon.length > 2) this.emit("lasso", { rows: this.inside(polygon) });
      } else if (!this.moved && event.type === "pointerup") {
        const row = this.nearest(...place, event.pointerType === "mouse" ? 14 : 22);
        if (row !== null) this.emit("pick", { row });
      }
    };
    this.top.addEventListener("pointerup", up);
    this.top.addEventListener("pointercancel", up);
    this.top.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && !this.pointers.size && this.hover(null));
    this.top.addEventListener("dblclick", (event) => this.nearest(...at(event)) === null && this.zoomBy(2, ...at(event)));

    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => this.hover(null));
  }

  /** Arrows go from song to song, Enter plays, + - 0 zoom. */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.songs || event.target !== this.box) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (arrow && event.shiftKey) this.panBy(-60 * arrow[0], -60 * arrow[1]);
    else if (arrow) this.step(arrow);
    else if (event.key === "Enter" && this.hovered !== null) this.emit("pick", { row: this.hovered });
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.4);
    else if (event.key === "-") this.zoomBy(1 / 1.4);
    else if (event.key === "0") this.reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Go to the next song in a direction. */
  step([across, down]) {
    if (this.hovered === null) return this.hover(this.nearest(this.width / 2, this.height / 2, 1e4));
    const [x, y] = this.position(this.hovered);
    let [best, least] = [null, Infinity];
    for (let row = 0; row < this.songs.count; row++) {
      if (!this.states[row] || row === this.hovered) continue;
      const [toX, toY] = this.position(row);
      const along = (toX - x) * across + (toY - y) * down;
      const aside = Math.abs((toX - x) * down) + Math.abs((toY - y) * across);
      // Within 45 degrees of the direction, and near.
      if (along > 0 && aside <= along && along + aside < least) [best, least] = [row, along + aside];
    }
    if (best === null) return;
    const [toX, toY] = this.position(best);
    if (toX < 0 || toY < 0 || toX > this.width || toY > this.height) this.panBy(this.width / 2 - toX, this.height / 2 - toY);
    this.hover(best);
  }

  /** Draw before the next frame. */
  draw() {
    this.waiting ??= requestAnimationFrame(() => this.paint());
  }

  paint() {
    cancelAnimationFrame(this.waiting);
    this.waiting = null;
    if (!this.width || !this.palette) return;
    this.paintBase();
    const [x, y] = this.origin;
    const { width, height, scale, spread, size, ratio } = this;
    const alpha = Math.min(0.9, 0.4 + 0.5 * Math.min(1, (600 * this.zoom) / Math.max(this.songs?.count ?? 1, 1)));
    if (this.songs) this.points.draw({ width, height, x, y, scale, spread, size, alpha, ratio, rim: this.paper });
    this.paintTop();
  }

  css(parts, alpha = 1) {
    return `rgb(${parts.map((part) => Math.round(255 * part)).join(" ")} / ${alpha})`;
  }

  begin(canvas) {
    const context = canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    return context;
  }

  /** The eight sectors, the axes, the names. */
  paintBase() {
    const context = this.begin(this.base);
    const [x, y] = this.origin;
    const reach = REACH * this.scale;
    context.save();
    context.beginPath();
    context.roundRect(x - reach, y - reach, 2 * reach, 2 * reach, 18);
    context.clip();
    for (let i = 0; i < 8; i++) {
      const far = 2 * reach;
      context.beginPath();
      context.moveTo(x, y);
      for (const k of [i, i + 1]) context.lineTo(x + far * Math.cos((k * Math.PI) / 4), y - far * Math.sin((k * Math.PI) / 4));
      context.closePath();
      const tint = context.createRadialGradient(x, y, 0, x, y, 1.3 * reach);
      tint.addColorStop(0, this.css(this.palette[i], this.dark ? 0.05 : 0.05));
      tint.addColorStop(1, this.css(this.palette[i], this.dark ? 0.2 : 0.22));
      context.fillStyle = tint;
      context.fill();
    }
    context.strokeStyle = this.css(this.paper, this.dark ? 0.55 : 0.9);
    context.lineWidth = 1.5;
    for (let k = 0; k < 4; k++) {
      const [across, up] = [2 * reach * Math.cos((k * Math.PI) / 4), 2 * reach * Math.sin((k * Math.PI) / 4)];
      context.beginPath();
      context.moveTo(x - across, y + up);
      context.lineTo(x + across, y - up);
      context.stroke();
    }
    context.strokeStyle = this.css(this.muted, 0.28);
    context.lineWidth = 1;
    context.beginPath();
    context.arc(x, y, reach, 0, 2 * Math.PI);
    context.stroke();
    context.restore();

    context.font = "500 11px Inter, system-ui, sans-serif";
    context.fillStyle = this.css(this.muted, 0.9);
    context.textAlign = "center";
    context.textBaseline = "middle";
    // Where an axis label would lie, beside the middle of an edge, at the least at the map's edge.
    const small = reach < 150;
    context.fillText("valence →", Math.min(Math.max(x, 40), this.width - 40), Math.min(y + reach + 17, this.height - 12));
    context.save();
    if (small) {
      // The names of the sectors leave no place at the side.
      context.translate(Math.min(Math.max(x, 40), this.width - 40), Math.max(y - reach - 17, 12));
    } else {
      context.translate(Math.max(x - reach - 17, 12), Math.min(Math.max(y, 40), this.height - 40));
      context.rotate(-Math.PI / 2);
    }
    context.fillText(small ? "arousal ↑" : "arousal →", 0, 0);
    context.restore();
    this.paintNames(context, x, y, reach);
  }

  paintNames(context, x, y, reach) {
    const inset = 17;
    const tangent = Math.tan(Math.PI / 8);
    const places = [[1, tangent], [tangent, 1], [-tangent, 1], [-1, tangent], [-1, -tangent], [-tangent, -1], [tangent, -1], [1, -tangent]];
    const inView = sector(CENTER + this.middle[0], CENTER + this.middle[1]);
    context.font = "600 13px Inter, system-ui, sans-serif";
    context.textAlign = "center";
    for (let i = 0; i < 8; i++) {
      const upright = Math.abs(places[i][1]) === 1;
      const outside = (value) => value * reach + Math.sign(value) * inset;
      const [atX, atY] = [x + (upright ? places[i][0] * reach : outside(places[i][0])), y - (upright ? outside(places[i][1]) : places[i][1] * reach)];
      let [left, down] = [Math.min(Math.max(atX, inset), this.width - inset), Math.min(Math.max(atY, inset), this.height - inset)];
      const visible = (left === atX && down === atY) || sector(CENTER + (left - x), CENTER - (down - y)) === i;
      if (!visible && i !== inView) continue;
      if (!visible) [left, down] = [this.width / 2, inset];
      context.save();
      context.translate(left, down);
      if (!upright && visible) context.rotate(places[i][0] > 0 ? Math.PI / 2 : -Math.PI / 2);
      context.lineJoin = "round";
      context.lineWidth = 4;
      context.strokeStyle = this.css(this.paper, 0.75);
      context.strokeText(EMOTIONS[i], 0, 0);
      const shade = this.palette[i].map((part, k) => (this.dark ? part : 0.62 * part + 0.1 * this.ink[k]));
      context.fillStyle = this.css(shade);
      context.fillText(EMOTIONS[i], 0, 0);
      context.restore();
    }
  }

  /** What lies above the songs: rings, pins, lasso. */
  paintTop() {
    const context = this.begin(this.top);
    const ring = ([x, y], radius, width, style) => {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    };
    if (!this.songs) return;
    const { size } = this;
    if (this.goal) this.paintGoal(context);
    if (this.playing !== null) {
      const at = this.position(this.playing);
      ring(at, size + 5, 4, this.css(this.paper, 0.9));
      ring(at, size + 5, 2.2, this.css(this.ink));
      if (this.moment && !this.spread) {
        const now = this.pixel(this.moment.map((value) => value - CENTER));
        context.beginPath();
        context.moveTo(...at);
        context.lineTo(...now);
        context.setLineDash([2, 4]);
        context.strokeStyle = this.css(this.ink, 0.7);
        context.lineWidth = 1.5;
        context.stroke();
        context.setLineDash([]);
        context.beginPath();
        context.arc(...now, 4.5, 0, 2 * Math.PI);
        context.fillStyle = this.css(this.ink);
        context.fill();
        ring(now, 5.5, 2, this.css(this.paper));
      }
    }
    if (this.isPath) {
      for (const [width, style] of [[5, this.css(this.paper, 0.8)], [2, this.css(this.ink)]]) {
        context.beginPath();
        for (const row of this.pins) context.lineTo(...this.position(row));
        context.lineWidth = width;
        context.strokeStyle = style;
        context.lineJoin = "round";
        context.stroke();
      }
    }
    // The first lies above the others.
    for (let i = this.pins.length - 1; i >= 0; i--) {
      const row = this.pins[i];
      const [x, y] = this.position(row);
      context.beginPath();
      context.arc(x, y, 10, 0, 2 * Math.PI);
      context.fillStyle = this.css(this.ink);
      context.fill();
      ring([x, y], 10.5, 2, this.css(this.paper));
      context.fillStyle = this.css(this.paper);
      context.font = "700 11px Inter, system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(String(i + 1), x, y + 0.5);
    }
    if (this.hovered !== null) {
      const at = this.position(this.hovered);
      ring(at, size + 4, 4, this.css(this.paper, 0.9));
      ring(at, size + 4, 2, this.css(this.ink));
    }
    if (this.lasso) {
      context.beginPath();
      for (const [x, y] of this.lasso) context.lineTo(x, y);
      context.closePath();
      context.fillStyle = this.css(this.ink, 0.08);
      context.fill();
      context.setLineDash([5, 4]);
      context.lineWidth = 1.5;
      context.strokeStyle = this.css(this.ink, 0.8);
      context.stroke();
      context.setLineDash([]);
    }
  }

  /** The place that was asked for: a target. */
  paintGoal(context) {
    const place = this.goal.map((value, axis) => value + this.spread * (this.goalRank(axis) - value) - CENTER);
    const [x, y] = this.pixel(place);
    for (const [width, style] of [[5, this.css(this.paper, 0.9)], [2, this.css(this.ink)]]) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.beginPath();
      context.arc(x, y, 9, 0, 2 * Math.PI);
      for (const [across, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + 5 * across, y + 5 * down);
        context.lineTo(x + 15 * across, y + 15 * down);
      }
      context.stroke();
    }
  }

  goalRank(axis) {
    if (this.rankOf !== this.goal) {
      this.rankOf = this.goal;
      this.goalRanks = this.songs.rankedPlace(...this.goal);
    }
    return this.goalRanks[axis];
  }
}
