// The pad: three layers of strokes, in the resolution of the model, on top of the picture that is drawn on.

import {blank, bytesOf, enlarge, textOf} from "./pixels.js";

const LAYERS = ["colour", "sketch", "keep"];

export class Pad {
  // changed(stroke): called while a stroke is drawn, and at its end.
  constructor(canvas, changed) {
    Object.assign(this, {canvas, changed, side: 0, layers: {}, before: null, tool: "colour", colour: "#e8542a"});
    Object.assign(this, {size: 3, stroke: Date.now(), last: null, cursor: null, picked: () => {}});
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => this.up());
    canvas.addEventListener("pointercancel", () => this.up());
    canvas.addEventListener("pointerleave", () => { this.cursor = null; this.show(); });
  }

  resize(side) {
    this.side = side;
    this.clear();
  }

  clear() {
    for (const name of LAYERS) this.layers[name] = blank(this.side);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * this.side, (event.clientY - box.top) / box.height * this.side];
  }

  down(event) {
    if (event.button !== 0 || !this.side) return;
    const at = this.place(event);
    if (event.altKey) return this.pick(at);
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke += 1;
    this.last = at;
    this.line(at, at);
  }

  move(event) {
    const at = this.place(event);
    this.cursor = at;
    if (this.last) {
      this.line(this.last, at);
      this.last = at;
    } else this.show();
  }

  up() {
    if (!this.last) return;
    this.last = null;
    this.changed(this.stroke, true);
  }

  pick([x, y]) {
    const at = (v) => Math.max(0, Math.min(this.side - 1, Math.floor(v)));
    const rgb = this.before.getContext("2d").getImageData(at(x), at(y), 1, 1).data;
    this.picked("#" + [...rgb.subarray(0, 3)].map((v) => v.toString(16).padStart(2, "0")).join(""));
  }

  line([ax, ay], [bx, by]) {
    for (const name of this.tool === "erase" ? LAYERS : [this.tool]) {
      const context = this.layers[name].getContext("2d");
      context.globalCompositeOperation = this.tool === "erase" ? "destination-out" : "source-over";
      context.strokeStyle = name === "colour" ? this.colour : "#000";
      context.lineCap = "round";
      context.lineWidth = this.width();
      context.beginPath();
      context.moveTo(ax, ay);
      context.lineTo(bx + 1e-3, by);
      context.stroke();
    }
    this.show();
    this.changed(this.stroke, false);
  }

  width() {
    const brush = this.size * this.side / 64;
    return {sketch: Math.max(1, this.side / 48), erase: 2 * brush}[this.tool] ?? brush;
  }

  show() {
    if (!this.before) return;
    const context = this.canvas.getContext("2d"), {width, height} = this.canvas;
    enlarge(this.before, this.canvas);
    enlarge(this.layers.colour, this.canvas);
    context.drawImage(this.hatched(), 0, 0);
    Object.assign(context, {shadowColor: "#fff", shadowBlur: 5}); // a line is seen on a dark picture too
    enlarge(this.layers.sketch, this.canvas);
    context.shadowColor = "transparent";
    if (!this.cursor) return;
    const scale = width / this.side;
    for (const [colour, line] of [["#fff", 3], ["#111", 1.2]]) {
      context.beginPath();
      context.arc(...this.cursor.map((v) => v * scale), Math.max(3, this.width() * scale / 2), 0, 2 * Math.PI);
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.stroke();
    }
  }

  // What is kept, as stripes.
  hatched() {
    this.stripes ??= stripes(this.canvas.width);
    this.kept ??= blank(this.canvas.width);
    const context = this.kept.getContext("2d");
    context.globalCompositeOperation = "copy";
    enlarge(this.layers.keep, this.kept);
    context.globalCompositeOperation = "source-in";
    context.drawImage(this.stripes, 0, 0);
    return this.kept;
  }

  // The strokes as they are sent.
  packed() {
    const pixels = (name) => this.layers[name].getContext("2d").getImageData(0, 0, this.side, this.side).data;
    const alpha = (name) => pixels(name).filter((_, i) => i % 4 === 3);
    return {colour: textOf(pixels("colour")), sketch: textOf(alpha("sketch")), keep: textOf(alpha("keep"))};
  }

  // Strokes that were sent once, as after an undo.
  unpack(sent) {
    this.clear();
    for (const name of LAYERS.filter((layer) => sent[layer])) {
      const bytes = bytesOf(sent[name]), image = new ImageData(this.side, this.side);
      if (name === "colour") image.data.set(bytes);
      else bytes.forEach((alpha, i) => { image.data[4 * i + 3] = alpha; });
      this.layers[name].getContext("2d").putImageData(image, 0, 0);
    }
    this.show();
  }
}

function stripes(size) {
  const canvas = blank(size), context = canvas.getContext("2d");
  context.fillStyle = "rgba(47, 111, 219, .22)";
  context.fillRect(0, 0, size, size);
  context.strokeStyle = "rgba(47, 111, 219, .95)";
  context.lineWidth = 3;
  for (let x = -size; x < size; x += 16) {
    context.moveTo(x, size);
    context.lineTo(x + size, 0);
  }
  context.stroke();
  return canvas;
}
