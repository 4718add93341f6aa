/** "How do you feel?": consent, the camera, 15 seconds of expressions, then songs. */

import { ApiError, post, postPicture } from "./api.js";
import { $, announce, el } from "./dom.js";

const SECONDS = 15;
const FRAME_MS = 110;
const WIDTH = 640;
/** Mean brightness, 0 to 255, below which a face is hard to read. */
const DARK = 45;
/** A smaller share of frames with a face, or fewer than two of them, say nothing. */
const LEAST_SHARE = 0.2;

export const EXPRESSIONS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt"];

export class Observe {
  /** @param app as for `Answer`, with `answer`, `player` and `showTab(name)` */
  constructor(app) {
    this.app = app;
    this.bars = {};
    for (const name of EXPRESSIONS) {
      this.bars[name] = el("i", { "aria-hidden": "true" });
      $("expressions").append(el("li", {}, el("span", { class: "bar-name" }, name), el("span", { class: "bar" }, this.bars[name])));
    }
    $("observe").addEventListener("click", () => this.begin());
    $("observe-cancel").addEventListener("click", () => this.stop("Cancelled. The camera is off."));
    $("observe-again").addEventListener("click", () => this.begin());
    for (const link of document.querySelectorAll(".to-sliders")) link.addEventListener("click", () => app.showTab("ask", "sliders"));
    $("mirror").addEventListener("click", () => this.lead(""));
    $("lead").addEventListener("change", (event) => this.lead(event.target.value));
    document.addEventListener("visibilitychange", () => document.hidden && this.running && this.stop("Stopped, since the page was hidden. The camera is off."));
  }

  /** Show one of the steps: intro, running, seen. A note says what happened. */
  step(name, note = "") {
    $("observe-intro").hidden = name !== "intro";
    $("library-mood").hidden = name !== "intro" || !$("answer").hidden;
    $("again").hidden = name !== "seen";
    $("observe-running").hidden = name !== "running";
    $("observe-note").hidden = !note;
    $("observe-note-text").textContent = note;
    $("camera-light").hidden = name !== "running";
    document.body.classList.toggle("camera-on", name === "running");
    if (note) announce(note);
  }

  async begin() {
    if (this.running) return;
    // The first song may then play without another click.
    this.app.player.unlock();
    this.app.answer.hide();
    const run = (this.running = { frames: [], abort: new AbortController() });
    if (!navigator.mediaDevices?.getUserMedia) {
      return this.stop(
        isSecureContext
          ? "This browser has no camera for pages."
          : "Browsers give a camera only to pages of this computer (http://127.0.0.1) or over HTTPS. Open the page on the computer that runs circumplex.",
      );
    }
    this.step("running");
    this.hint("Waiting for the camera…");
    this.progress(0);
    try {
      run.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH }, height: { ideal: 480 }, facingMode: "user" }, audio: false });
      if (run !== this.running) return release(run.stream);
      const video = $("camera");
      video.srcObject = run.stream;
      await video.play();
      await this.observe(run, video);
    } catch (error) {
      if (run !== this.running) return;
      this.stop(excuse(error));
    }
  }

  /** Send a frame at a time for 15 seconds. */
  async observe(run, video) {
    const canvas = el("canvas");
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    run.timer = setInterval(() => this.progress(seconds()), 50);
    announce("Observing for 15 seconds");
    this.hint("Just look, and feel as you do.");
    while (seconds() < SECONDS) {
      const began = performance.now();
      const scale = Math.min(1, WIDTH / video.videoWidth);
      canvas.width = video.videoWidth * scale;
      canvas.height = video.videoHeight * scale;
      canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
      const time = seconds();
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
      const seen = await postPicture(blob, run.abort.signal);
      if (run !== this.running) return;
      this.saw(run, time, seen);
      await new Promise((done) => setTimeout(done, Math.max(0, FRAME_MS - (performance.now() - began))));
      if (run !== this.running) return;
    }
    release(run.stream);
    clearInterval(run.timer);
    await this.finish(run);
  }

  saw(run, time, { faces, brightness }) {
    const largest = faces.reduce((best, face) => (best && area(best) >= area(face) ? best : face), null);
    run.frames.push({ t_s: time, expressions: largest?.expressions ?? null });
    const last = run.frames.slice(-8);
    if (!last.some((frame) => frame.expressions)) {
      this.hint(brightness < DARK ? "It is quite dark here: some light on your face would help." : "No face in sight: come into the middle of the picture.");
    } else if (faces.length > 1) this.hint(`${faces.length === 2 ? "Two faces" : `${faces.length} faces`}: the largest counts.`);
    else if (brightness < DARK) this.hint("It is quite dark here: some light would help.");
    else this.hint("Just look, and feel as you do.");
    const sum = largest ? EXPRESSIONS.reduce((total, name) => total + (largest.expressions[name] ?? 0), 0) : 0;
    for (const name of EXPRESSIONS) this.bars[name].style.width = sum ? `${(100 * (largest.expressions[name] ?? 0)) / sum}%` : "0";
  }

  async finish(run) {
    const seen = run.frames.filter((frame) => frame.expressions).length;
    if (seen < 2 || seen < LEAST_SHARE * run.frames.length) return this.stop("I did not see a face for long enough. Some light helps, and a place in the middle of the picture.");
    this.hint("Finding songs…");
    this.observation = await post("observations", { frames: run.frames });
    if (run !== this.running) return;
    this.stop("", "seen");
    const answer = await this.lead("");
    if (answer?.songs.length) this.app.player.play(answer.songs.map((song) => song.row), 0);
    $("answer-title").focus();
  }

  /** Ask for songs like the mood that was seen, or for songs that lead to another. */
  async lead(emotion) {
    $("mirror").setAttribute("aria-pressed", String(!emotion));
    if (!emotion) $("lead").value = "";
    $("lead").classList.toggle("on", Boolean(emotion));
    const question = { face: this.observation.seconds };
    if (emotion) question.lead = emotion;
    try {
      return await this.app.answer.ask(question, emotion ? `From your mood to ${emotion}` : "How you feel");
    } catch (error) {
      this.step("seen", error.message);
      return null;
    }
  }

  /** Turn the camera off, whatever it was doing. */
  stop(note = "", step = "intro") {
    const run = this.running;
    this.running = null;
    if (run) {
      run.abort.abort();
      clearInterval(run.timer);
      if (run.stream) release(run.stream);
    }
    $("camera").srcObject = null;
    this.step(step, note);
  }

  hint(text) {
    if ($("observe-hint").textContent !== text) $("observe-hint").textContent = text;
  }

  progress(seconds) {
    const share = Math.min(seconds / SECONDS, 1);
    $("ring").style.strokeDashoffset = 1 - share;
    $("seconds").textContent = String(Math.max(Math.ceil(SECONDS - seconds), 0));
  }
}

const area = (face) => face.box.width * face.box.height;

function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** A kind line for what went wrong. */
function excuse(error) {
  if (error instanceof ApiError) return error.message;
  if (error.name === "NotAllowedError") return "The camera was not allowed, and stays off. To allow it, use the camera sign beside the address.";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "No camera was found on this device.";
  if (error.name === "NotReadableError") return "Another program uses the camera. Close it and try again.";
  return `The camera did not start: ${error.message}.`;
}
