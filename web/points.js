/** Drawing points: with WebGL, or on a plain canvas where there is none. Both have the same methods. */

import { createBufferInfoFromArrays, createProgramInfo, drawBufferInfo, setAttribInfoBufferFromArray, setBuffersAndAttributes, setUniforms } from "./vendor/twgl.js";

const VERTEX = `
attribute vec2 own, ranked;
attribute vec4 ownColor, rankedColor;
attribute float state;
uniform vec2 scale, offset;
uniform float spread, size, alpha;
varying vec4 color;
varying float radius;
void main() {
  vec2 place = mix(own, ranked, spread);
  gl_Position = vec4(place * scale + offset, 0.0, 1.0);
  gl_PointSize = size * (state > 1.5 ? 1.35 : 1.0) + 1.0;
  radius = gl_PointSize / 2.0;
  color = vec4(mix(ownColor, rankedColor, spread).rgb, state < 0.5 ? 0.07 : state > 1.5 ? 1.0 : alpha);
}`;

const FRAGMENT = `
precision mediump float;
uniform vec3 rim;
uniform float rimWidth;
varying vec4 color;
varying float radius;
void main() {
  float edge = radius * (1.0 - 2.0 * length(gl_PointCoord - 0.5));
  float cover = color.a * clamp(edge, 0.0, 1.0);
  // Large dots have a thin rim, so that neighbors stay apart.
  vec3 shown = mix(rim, color.rgb, radius < 3.5 ? 1.0 : clamp(edge - rimWidth, 0.0, 1.0));
  gl_FragColor = vec4(shown * cover, cover);
}`;

class WebGlPoints {
  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.program = createProgramInfo(gl, [VERTEX, FRAGMENT]);
  }

  /** Take the places of the songs, two numbers each, relative to the center. */
  places(own, ranked) {
    this.count = own.length / 2;
    const colors = () => ({ numComponents: 4, data: new Uint8Array(4 * this.count), normalize: true });
    this.buffers = createBufferInfoFromArrays(this.gl, {
      own: { numComponents: 2, data: own },
      ranked: { numComponents: 2, data: ranked },
      ownColor: colors(),
      rankedColor: colors(),
      state: { numComponents: 1, data: new Uint8Array(this.count), normalize: false },
    });
  }

  /** Take one of eight colors for each song, for both places. */
  colors(palette, own, ranked) {
    for (const [name, indices] of [["ownColor", own], ["rankedColor", ranked]]) {
      const bytes = new Uint8Array(4 * this.count);
      for (let row = 0; row < this.count; row++) for (let part = 0; part < 3; part++) bytes[4 * row + part] = 255 * palette[indices[row]][part];
      setAttribInfoBufferFromArray(this.gl, this.buffers.attribs[name], bytes);
    }
  }

  /** Take a state for each song: 0 dimmed, 1 normal, 2 marked. */
  states(states) {
    setAttribInfoBufferFromArray(this.gl, this.buffers.attribs.state, states);
  }

  /** Draw; `view` is what `PlaneMap` says of its camera, in pixels of the screen. */
  draw({ width, height, x, y, scale, spread, size, alpha, ratio, rim }) {
    const gl = this.gl;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.count) return;
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(this.program.program);
    setBuffersAndAttributes(gl, this.program, this.buffers);
    setUniforms(this.program, {
      scale: [(2 * scale) / width, (2 * scale) / height],
      offset: [(2 * x) / width - 1, 1 - (2 * y) / height],
      spread,
      size: 2 * size * ratio,
      alpha,
      rim,
      rimWidth: 0.7 * ratio,
    });
    drawBufferInfo(gl, this.buffers, gl.POINTS);
  }
}

class CanvasPoints {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  places(own, ranked) {
    [this.own, this.ranked, this.count] = [own, ranked, own.length / 2];
  }

  colors(palette, own, ranked) {
    this.palette = palette.map((parts) => `rgb(${parts.map((part) => Math.round(255 * part))})`);
    [this.ownColor, this.rankedColor] = [own, ranked];
  }

  states(states) {
    this.state = states;
  }

  draw({ width, height, x, y, scale, spread, size, alpha, ratio }) {
    const context = this.context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const colors = spread < 0.5 ? this.ownColor : this.rankedColor;
    for (let row = 0; row < this.count; row++) {
      const across = x + scale * (this.own[2 * row] + spread * (this.ranked[2 * row] - this.own[2 * row]));
      const up = y - scale * (this.own[2 * row + 1] + spread * (this.ranked[2 * row + 1] - this.own[2 * row + 1]));
      if (!(across > -size && across < width + size && up > -size && up < height + size)) continue;
      const state = this.state[row];
      context.globalAlpha = state === 0 ? 0.07 : state === 2 ? 1 : alpha;
      context.fillStyle = this.palette[colors[row]];
      const radius = state === 2 ? 1.35 * size : size;
      if (this.count > 20000) {
        context.fillRect(across - radius, up - radius, 2 * radius, 2 * radius);
        continue;
      }
      context.beginPath();
      context.arc(across, up, radius, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  }
}

/** The best that the browser has for this canvas. `?canvas` in the address forbids WebGL. */
export function points(canvas) {
  const options = { alpha: true, antialias: false, depth: false, premultipliedAlpha: true };
  const gl = new URLSearchParams(location.search).has("canvas") ? null : canvas.getContext("webgl2", options) ?? canvas.getContext("webgl", options);
  return gl ? new WebGlPoints(canvas, gl) : new CanvasPoints(canvas);
}
