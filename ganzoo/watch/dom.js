// Elements and words. Text that comes from a run's folder is only ever set as text, never as markup.

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const text = (tag, words, className) => element(tag, {textContent: words, ...(className && {className})});

export function show(id, words, className) {
  const node = document.getElementById(id);
  if (node.textContent !== words) node.textContent = words;
  if (className !== undefined) node.className = className;
}

// Words and class of a run's state; a finished run of which something is wrong does not look well.
export const pill = ({status, verdict}) =>
  (verdict ? [verdict.text.split(":")[0], "pill stopped"] : [status, `pill ${status}`]);

export const whole = (value) => value.toLocaleString("en");

export const score = (value) => String(Number(value.toPrecision(4)));

export function number(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1).replace(".0e", "e").replace("e+", "e");
  return String(Number(value.toPrecision(size >= 1000 ? 4 : 3)));
}

export function duration(seconds) {
  const all = Math.round(seconds), pad = (part) => String(part).padStart(2, "0");
  const [minutes, hours, days] = [60, 3600, 86400].map((unit) => Math.floor(all / unit));
  if (all < 60) return `${all} s`;
  if (hours < 1) return `${minutes} min ${pad(all % 60)} s`;
  return days < 2 ? `${hours} h ${pad(minutes % 60)} min` : `${days} d ${hours % 24} h`;
}

// How far a run is to go, after the number of its step.
export function extent({steps, budget}) {
  return steps ? ` of ${whole(steps)}` : budget ? ` in ${duration(budget)}` : "";
}

export function bar({status, done}) {
  const node = element("div", {className: `bar ${status}`}, element("i"));
  node.firstChild.style.width = `${100 * (done ?? 0)}%`;
  return node;
}

export function table(title, columns, rows) {
  if (rows.length === 0) return null;
  const cells = (row) => row.cells.map((cell) => text("td", cell));
  const line = (row) => element("tr", row.className ? {className: row.className} : {}, ...cells(row));
  const head = element("thead", {}, element("tr", {}, ...columns.map((column) => text("th", column))));
  const body = element("table", {}, columns.length ? head : null, element("tbody", {}, ...rows.map(line)));
  return element("section", {className: "card"}, text("h2", title), element("div", {className: "scroll"}, body));
}
