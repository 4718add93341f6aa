/** The eight emotions: names, colors, places on the plane. */

import { el, svg } from "./dom.js";

/** Counterclockwise from the positive valence axis, a sector of 45 degrees each. */
export const EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"];

/** Neutral valence and arousal, and the reach of both scales around it. */
export const CENTER = 5;
export const REACH = 4;

/** The color of an emotion for CSS. */
export const color = (emotion) => `var(--${EMOTIONS[emotion]})`;

/** The emotion whose sector holds a place. */
export function sector(valence, arousal) {
  const turn = Math.atan2(arousal - CENTER, valence - CENTER) / (2 * Math.PI);
  return Math.floor((turn + 1) * 8) % 8;
}

/** Index of the largest of eight numbers. */
export function strongest(vector) {
  let best = 0;
  for (let i = 1; i < 8; i++) if (vector[i] > vector[best]) best = i;
  return best;
}

/** A color of the style sheet as three numbers from 0 to 1, as the theme has it now. */
export function rgb(name) {
  const probe = el("i", { style: { color: `var(--${name})` } });
  document.body.append(probe);
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g);
  probe.remove();
  return parts.slice(0, 3).map((part) => part / 255);
}

/** The eight percentages as a wheel: a wedge in the direction of each sector, as large in area as its percentage. */
export function wheel(percentages, size, label) {
  const largest = Math.max(...percentages, 1);
  const picture = svg("svg", { class: "wheel", viewBox: "-50 -50 100 100", width: size, height: size, role: "img", "aria-label": label ?? describe(percentages) });
  picture.append(svg("circle", { r: 49, class: "wheel-rim" }));
  for (let i = 0; i < 8; i++) {
    if (!percentages[i]) continue;
    const radius = Math.max(3, 47 * Math.sqrt(percentages[i] / largest));
    const [from, to] = [i, i + 1].map((k) => [radius * Math.cos((k * Math.PI) / 4), -radius * Math.sin((k * Math.PI) / 4)].map((n) => n.toFixed(2)));
    picture.append(svg("path", { d: `M0 0L${from}A${radius} ${radius} 0 0 0 ${to}Z`, style: { fill: color(i) } }));
  }
  return picture;
}

/** `41 % happy, 30 % content, 12 % calm`: the strongest few. */
export function describe(percentages, most = 3) {
  return order(percentages)
    .filter((i, place) => place === 0 || percentages[i] >= 0.5)
    .slice(0, most)
    .map((i) => `${Math.round(percentages[i])} % ${EMOTIONS[i]}`)
    .join(", ");
}

/** The indices of the emotions, strongest first. */
export function order(percentages) {
  return EMOTIONS.map((_, i) => i).sort((a, b) => percentages[b] - percentages[a]);
}

/** Eight labeled bars in percent. */
export function bars(percentages) {
  const largest = Math.max(...percentages, 1);
  return el(
    "ul",
    { class: "bars" },
    ...EMOTIONS.map((name, i) =>
      el(
        "li",
        {},
        el("span", { class: "bar-name" }, name),
        el("span", { class: "bar", "aria-hidden": "true" }, el("i", { style: { width: `${(100 * percentages[i]) / largest}%`, background: color(i) } })),
        el("span", { class: "bar-value" }, `${Math.round(percentages[i])} %`),
      ),
    ),
  );
}
