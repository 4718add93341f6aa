/** Asking for songs by hand: eight sliders, a point on the plane, songs, the text of a saved query. */

import { $, debounce, el, iconButton, svg } from "./dom.js";
import { CENTER, EMOTIONS, REACH, color, sector } from "./emotions.js";

export class Ask {
  /** @param app as for `Answer`, with `answer` */
  constructor(app) {
    this.app = app;
    this.like = [];
    this.way = "sliders";
    this.soon = debounce(() => this.run(), 180);
    for (const [i, name] of EMOTIONS.entries()) {
      // The slider itself tells a screen reader its value.
      const output = el("output", { for: `slider-${name}`, "aria-live": "off" }, "0");
      $("sliders").append(
        el(
          "label",
          { class: "slider", style: { "--tone": color(i) } },
          el("span", {}, name),
          el("input", {
            type: "range",
            id: `slider-${name}`,
            min: 0,
            max: 100,
            value: 0,
            oninput: (event) => {
              this.paintSlider(event.target);
              this.soon();
            },
          }),
          output,
        ),
      );
    }
    $("sliders-reset").addEventListener("click", () => {
      for (const name of EMOTIONS) this.setSlider(name, 0);
      this.app.answer.hide();
    });
    for (const button of document.querySelectorAll("#ways button")) button.addEventListener("click", () => this.show(button.dataset.way));
    for (const id of ["where", "k", "per-artist", "per-album", "by", "relative", "one-per-title"]) $(id).addEventListener("change", () => this.app.answer.rows && this.run());
    $("ask-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    $("like-playing").addEventListener("click", () => this.app.player.row !== null && this.moreLike([this.app.player.row]));
    this.buildPlane();
  }

  /** Show one way of asking. */
  show(way) {
    this.way = way;
    for (const button of document.querySelectorAll("#ways button")) {
      const on = button.dataset.way === way;
      button.setAttribute("aria-pressed", String(on));
      $(`way-${button.dataset.way}`).hidden = !on;
    }
    $("ask-error").hidden = true;
    $("where-error").hidden = true;
  }

  paintSlider(input) {
    input.style.setProperty("--share", `${input.value}%`);
    input.nextElementSibling.textContent = input.value;
  }

  setSlider(name, value) {
    const input = $(`slider-${name}`);
    input.value = value;
    this.paintSlider(input);
  }

  buildPlane() {
    const plane = $("point-plane");
    for (let i = 0; i < 8; i++) {
      const corner = (k) => [1.5 * Math.cos((k * Math.PI) / 4), -1.5 * Math.sin((k * Math.PI) / 4)];
      plane.append(svg("path", { d: `M0 0L${corner(i)}L${corner(i + 1)}Z`, class: "plane-sector", style: { fill: color(i) } }));
    }
    plane.append(svg("path", { d: "M-1 0H1M0 -1V1", class: "plane-axis" }), svg("circle", { r: 1, class: "plane-axis" }));
    for (let i = 0; i < 8; i++) {
      const angle = ((i + 0.5) * Math.PI) / 4;
      plane.append(svg("text", { x: (0.71 * Math.cos(angle)).toFixed(3), y: (-0.76 * Math.sin(angle) + 0.03).toFixed(3), class: "plane-name" }, EMOTIONS[i]));
    }
    this.dot = svg("circle", { r: 0.06, class: "plane-dot" });
    plane.append(this.dot);
    const take = (event) => {
      const frame = plane.getBoundingClientRect();
      this.setPoint(CENTER + REACH * ((2 * (event.clientX - frame.left)) / frame.width - 1), CENTER - REACH * ((2 * (event.clientY - frame.top)) / frame.height - 1));
    };
    plane.addEventListener("pointerdown", (event) => {
      plane.setPointerCapture(event.pointerId);
      take(event);
    });
    plane.addEventListener("pointermove", (event) => plane.hasPointerCapture(event.pointerId) && take(event));
    plane.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-0.25, 0], ArrowRight: [0.25, 0], ArrowUp: [0, 0.25], ArrowDown: [0, -0.25] }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.setPoint(Number($("valence").value) + step[0], Number($("arousal").value) + step[1]);
    });
    for (const id of ["valence", "arousal"]) $(id).addEventListener("input", () => this.setPoint(Number($("valence").value), Number($("arousal").value), false));
    this.setPoint(CENTER, CENTER, true, false);
  }

  setPoint(valence, arousal, write = true, ask = true) {
    const bound = (value) => Math.round(10 * Math.min(Math.max(value || CENTER, CENTER - REACH), CENTER + REACH)) / 10;
    [valence, arousal] = [bound(valence), bound(arousal)];
    if (write) {
      $("valence").value = valence;
      $("arousal").value = arousal;
    }
    this.dot.setAttribute("cx", (valence - CENTER) / REACH);
    this.dot.setAttribute("cy", -(arousal - CENTER) / REACH);
    const there = valence === CENTER && arousal === CENTER ? "the center" : EMOTIONS[sector(valence, arousal)];
    $("point-plane").setAttribute("aria-label", `Place on the plane: valence ${valence}, arousal ${arousal}, ${there}. Arrow keys move it.`);
    if (ask) this.soon();
  }

  /** Ask for songs like these. */
  moreLike(rows) {
    this.like = rows;
    this.app.showTab("ask", "like");
    this.showLike();
    this.run();
  }

  showLike() {
    $("like-list").replaceChildren(
      ...this.like.map((row) =>
        el(
          "li",
          {},
          el("span", {}, this.app.songs.name(row)),
          iconButton("close", `Remove ${this.app.songs.title[row]}`, () => {
            this.like = this.like.filter((other) => other !== row);
            this.showLike();
            this.run();
          }),
        ),
      ),
    );
    $("like-none").hidden = this.like.length > 0;
  }

  /** Follow the songs into a library that was read anew. */
  reload(before, songs) {
    this.like = songs.find(this.like.map((row) => before.key(row)));
    this.showLike();
  }

  question() {
    if (this.way === "sliders") {
      const emotions = {};
      for (const name of EMOTIONS) if (Number($(`slider-${name}`).value)) emotions[name] = Number($(`slider-${name}`).value);
      return Object.keys(emotions).length ? [{ emotions }, "As you set it"] : null;
    }
    if (this.way === "point") return [{ point: { valence: Number($("valence").value), arousal: Number($("arousal").value) } }, "Around this point"];
    if (this.way === "like") return this.like.length ? [{ like: this.like }, this.like.length === 1 ? `Like ${this.app.songs.title[this.like[0]]}` : `Like ${this.like.length} songs`] : null;
    return $("text").value.trim() ? [{ text: $("text").value.trim() }, "As you wrote it"] : null;
  }

  async run() {
    const question = this.question();
    $("ask-error").hidden = true;
    if (!question) return;
    try {
      await this.app.answer.ask(...question);
    } catch (error) {
      $("ask-error").textContent = error.message;
      $("ask-error").hidden = false;
    }
  }
}
