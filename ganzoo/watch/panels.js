// Which curves stand together, in which order, and what they are called.

// The start of a curve's path, the panel's title, and whether its values are shares from 0 to 1. What fits none gets a
// panel of its own after the rest.
const PANELS = [
  ["losses/", "losses"],
  ["reports/", "what parts report"],
  ["accuracy/", "accuracy of D on real and on fake images", true],
  ["health/distance", "distance to the data (0: alike)"],
  ["health/diversity", "diversity (1: as the data)"],
  ["health/modes", "different pictures among 64"],
  ["health/of", "different pictures among 64"],
  ["health/duplicates", "share of near-duplicates", true],
  ["health/gradients/", "gradient norms"],
  ["health/drift", "distance of the average from the live weights"],
  ["lr/", "learning rate"],
  ["clock/images_per_second", "images per second"],
];
const NAMES = new Map([["health/modes", "samples"], ["health/of", "data"]]);
const HIDDEN = ["health/looked", "health/finite", "clock/seconds"];

// One curve for each protocol of scoring, whatever order the scores were measured in.
function scoreCurves(scores) {
  const curves = new Map();
  for (const {protocol, key, step, value} of [...scores].sort((a, b) => a.step - b.step)) {
    if (!curves.has(protocol)) curves.set(protocol, {key, points: []});
    curves.get(protocol).points.push([step, value]);
  }
  return [...curves.values()];
}

// [{title, series, unit}, ...]: scores, then PANELS, then the rest.
export function panels({curves, scores}) {
  const groups = new Map();
  const put = (title, series, order, unit = false) => {
    if (!groups.has(title)) groups.set(title, {title, series: [], order, unit});
    groups.get(title).series.push(series);
  };
  for (const {key, points} of scoreCurves(scores)) put(key, {name: "", points}, -1);
  for (const [path, points] of Object.entries(curves)) {
    if (HIDDEN.includes(path) || path.startsWith("score/")) continue;
    const known = PANELS.find(([start]) => path.startsWith(start));
    const [start, title, unit] = known ?? [path, path.replaceAll("_", " ")];
    const order = known ? PANELS.findIndex((panel) => panel[1] === title) : PANELS.length;
    put(title, {name: NAMES.get(path) ?? path.slice(start.length), points}, order, unit);
  }
  return [...groups.values()].sort((a, b) => a.order - b.order);
}

// The first and the last step of any curve: all panels share them, so that they can be read across.
export function extentOfSteps(groups) {
  const steps = groups.flatMap(({series}) => series.flatMap(({points}) => points.map((point) => point[0])));
  const first = steps.reduce((least, step) => Math.min(least, step), Infinity);
  const last = steps.reduce((most, step) => Math.max(most, step), -Infinity);
  return first < last ? [first, last] : [first - 1, last + 1];
}
