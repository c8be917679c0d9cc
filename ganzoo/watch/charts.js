// Curves as SVG, with one cursor for all of them. A series is {name, points}; a point is [step, value] or, where
// several lines of the log were joined, [last step, mean, least, greatest].

import {element, number, text} from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 180, LEFT = 44, RIGHT = 8, TOP = 8, BOTTOM = 20;
const INKS = 8; // colours in page.css
const FEW = 30; // points that are shown one by one

function svg(tag, attributes = {}, words) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (words !== undefined) node.textContent = words;
  return node;
}

// An average that follows about the last `width` points, unbiased from the first on.
function smoothed(points, width) {
  const keep = 1 - 1 / width;
  let total = 0, weight = 0;
  return points.map(([step, value]) => {
    total = keep * total + value;
    weight = keep * weight + 1;
    return [step, total / weight];
  });
}

// About so many round numbers between two, at least two of them, no nearer to each other than ``least``; each with its text.
export function ticks(low, high, about, least = 0) {
  const rough = (high - low) / about, power = 10 ** Math.floor(Math.log10(rough));
  const units = [0.1, 0.2, 0.5, 1, 2, 5, 10].map((factor) => Math.max(factor * power, least));
  const between = (unit) => {
    const found = [];
    for (let at = Math.ceil(low / unit); at * unit <= high + unit * 1e-9; at += 1) found.push(at * unit);
    return found;
  };
  const right = units.findIndex((each) => each >= rough);
  const unit = units.slice(0, right + 1).reverse().find((each) => between(each).length > 1) ?? units[0];
  return between(unit).map((value) => [value, marked(value, unit)]);
}

// A number as short as the distance to the next one allows: two of them never read alike.
function marked(value, unit) {
  const size = Math.abs(value), digits = Math.max(0, -Math.floor(Math.log10(unit) + 1e-9));
  if (value !== 0 && (size < 1e-3 || size >= 1e6)) {
    const more = Math.max(0, Math.floor(Math.log10(size) + 1e-9) - Math.floor(Math.log10(unit) + 1e-9));
    return value.toExponential(Math.min(more, 20)).replace("e+", "e");
  }
  return value.toLocaleString("en", {minimumFractionDigits: Math.min(digits, 20), maximumFractionDigits: Math.min(digits, 20)});
}

// The range that shows what happens: a spike of the first steps may leave the picture, a tenth of the curve may not.
function range(lines, unit) {
  const values = lines.flatMap((line) => line.map((point) => point[1])).sort((a, b) => a - b);
  if (!values.length || (unit && values[0] >= 0 && values.at(-1) <= 1)) return [-0.03, 1.03];
  const at = (share) => values[Math.round(share * (values.length - 1))], room = at(0.98) - at(0.02);
  const low = Math.max(at(0), at(0.02) - room), high = Math.min(at(1), at(0.98) + room);
  const edge = Math.max((high - low) * 0.06, Math.abs(high) * 1e-3, 1e-9);
  return [low - edge, high + edge];
}

// The point of a line at or beside a step.
function nearest(points, step) {
  let low = 0, high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < step) low = middle + 1;
    else high = middle;
  }
  const before = points[Math.max(low - 1, 0)];
  return step - before[0] < points[low][0] - step ? before : points[low];
}

let clips = 0;

export class Chart {
  // onpoint(step or null) is called where the pointer is; the page tells every chart with point().
  constructor(title, onpoint) {
    this.legend = element("div", {className: "legend"});
    this.picture = svg("svg", {role: "img", "aria-label": title});
    const caption = element("figcaption", {}, text("h2", title), this.legend);
    this.node = element("figure", {className: "chart card"}, caption, this.picture);
    this.clip = `clip-${clips++}`;
    this.picture.addEventListener("pointermove", (event) => {
      const share = (event.offsetX - LEFT) / Math.max(this.width - LEFT - RIGHT, 1);
      onpoint(this.first + Math.min(Math.max(share, 0), 1) * (this.last - this.first));
    });
    this.picture.addEventListener("pointerleave", () => onpoint(null));
    new ResizeObserver(() => this.draw()).observe(this.picture);
  }

  // state: {series, unit (shares from 0 to 1), smooth, steps: [first, last], marks: [step, ...], best: step or null}
  update(state) {
    this.state = state;
    this.draw();
  }

  draw() {
    this.width = this.picture.clientWidth;
    if (!this.width || !this.state) return;
    const {series, smooth, unit, steps} = this.state;
    this.lines = series.map(({points}) => (smooth > 1 ? smoothed(points, smooth) : points));
    [this.first, this.last] = steps;
    [this.low, this.high] = range(this.lines, unit);
    const clip = svg("clipPath", {id: this.clip}), body = svg("g", {"clip-path": `url(#${this.clip})`});
    const [width, height] = [Math.max(this.width - LEFT, 0), HEIGHT - TOP - BOTTOM + 4];
    clip.append(svg("rect", {x: LEFT, y: TOP - 2, width, height}));
    body.append(...series.flatMap(({points}, index) => this.curve(points, this.lines[index], index)));
    this.cursor = svg("g");
    this.picture.replaceChildren(clip, ...this.axes(), ...this.marks(), body, this.cursor);
    this.point(null);
  }

  x(step) {
    return LEFT + ((step - this.first) / (this.last - this.first)) * (this.width - LEFT - RIGHT);
  }

  y(value) {
    return HEIGHT - BOTTOM - ((value - this.low) / (this.high - this.low)) * (HEIGHT - TOP - BOTTOM);
  }

  at(step, value) {
    return `${this.x(step).toFixed(1)},${this.y(value).toFixed(1)}`;
  }

  axes() {
    const across = ticks(this.low, this.high, 4).flatMap(([value, words]) => [
      svg("line", {class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: this.y(value), y2: this.y(value)}),
      svg("text", {x: LEFT - 6, y: this.y(value) + 4, "text-anchor": "end"}, words),
    ]);
    const steps = ticks(this.first, this.last, Math.max(this.width / 110, 2), 1);
    const place = (step) => ({x: this.x(step), y: HEIGHT - 4, "text-anchor": step === this.last ? "end" : "middle"});
    return [...across, ...steps.map(([step, words]) => svg("text", place(step), words))];
  }

  upright(step, kind) {
    return svg("line", {class: kind, x1: this.x(step), x2: this.x(step), y1: TOP, y2: HEIGHT - BOTTOM});
  }

  marks() {
    const {marks, best} = this.state, spoken = marks.map((step) => this.upright(step, "mark"));
    return best === null ? spoken : [...spoken, this.upright(best, "mark best")];
  }

  // A path through points; it begins anew where a run went back to an earlier step.
  path(points) {
    const on = (index) => index > 0 && points[index - 1][0] <= points[index][0];
    return points.map(([step, value], index) => `${on(index) ? "L" : "M"}${this.at(step, value)}`).join("");
  }

  band(points) {
    const edge = (column) => points.map((point) => this.at(point[0], point[column] ?? point[1]));
    return `M${[...edge(3), ...edge(2).reverse()].join("L")}Z`;
  }

  curve(points, line, index) {
    const ink = `ink-${index % INKS}`, parts = [];
    if (points.some((point) => point.length > 2)) parts.push(svg("path", {class: `band ${ink}`, d: this.band(points)}));
    if (line !== points) parts.push(svg("path", {class: `raw ${ink}`, d: this.path(points)}));
    parts.push(svg("path", {class: `line ${ink}`, d: this.path(line)}));
    return points.length < FEW ? [...parts, ...line.map((point) => this.dot(point, index, 2.2))] : parts;
  }

  dot([step, value], index, r) {
    return svg("circle", {class: `dot ink-${index % INKS}`, cx: this.x(step), cy: this.y(value), r});
  }

  // Show the values at a step, or the newest ones.
  point(step) {
    if (!this.lines) return;
    const at = (line) => (step === null ? line.at(-1) : nearest(line, step));
    const points = this.lines.map((line) => (line.length ? at(line) : null));
    this.legend.replaceChildren(...points.map((point, index) => {
      const entry = text("span", this.state.series[index].name, `ink-${index % INKS}`);
      entry.append(text("b", point ? number(point[1]) : "–"));
      return entry;
    }));
    this.cursor.replaceChildren();
    if (step === null) return;
    const seen = (point) => point && point[1] >= this.low && point[1] <= this.high;
    const dots = points.flatMap((point, index) => (seen(point) ? [this.dot(point, index, 3)] : []));
    this.cursor.append(this.upright(step, "cursor"), ...dots);
  }
}
