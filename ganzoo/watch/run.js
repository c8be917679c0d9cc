// The page of one run.

import {Chart} from "./charts.js";
import {bar, duration, element, extent, pill, score, show, table, text, whole} from "./dom.js";
import {extentOfSteps, panels} from "./panels.js";
import {ask, file, forget} from "./server.js";

const OFTEN = 1500, SELDOM = 5000; // milliseconds between questions: while it trains, and otherwise
const SMOOTH = [1, 3, 7, 15, 31, 63]; // points to average over

export class RunPage {
  constructor(run, main) {
    this.run = run;
    this.charts = new Map();
    this.smooth = 1;
    this.animated = false;
    this.recipe = element("div", {className: "recipe mono"});
    this.problem = element("p", {className: "notice bad", hidden: true});
    this.verdict = element("section", {className: "notice bad", hidden: true});
    this.events = element("section", {className: "notice", hidden: true});
    this.tiles = element("section", {className: "tiles"});
    this.tables = element("div", {className: "tables"});
    const columns = element("div", {className: "columns"}, this.pictureCard(), this.chartColumn(), this.tables);
    main.replaceChildren(this.recipe, this.problem, this.verdict, this.events, this.tiles, columns);
    forget(file(run, "state.json"));
  }

  pictureCard() {
    const press = (animation) => () => {
      this.animated = animation;
      this.showPicture();
    };
    const tab = (words, animation) => element("button", {type: "button", textContent: words, onclick: press(animation)});
    this.tabs = [tab("now", false), tab("animation", true)];
    this.image = element("img", {alt: "images drawn by the generator from fixed noise", hidden: true});
    this.noImage = element("div", {className: "empty"});
    this.caption = element("p", {className: "muted"});
    const tabs = element("span", {className: "tabs"}, ...this.tabs);
    const head = element("div", {className: "head"}, text("h2", "Samples"), tabs);
    return element("section", {className: "card picture"}, head, this.image, this.noImage, this.caption);
  }

  chartColumn() {
    const slider = element("input", {type: "range", min: 0, max: SMOOTH.length - 1, value: 0});
    slider.oninput = () => {
      this.smooth = SMOOTH[slider.value];
      this.showCharts();
    };
    this.key = element("span", {className: "key"});
    this.grid = element("div", {className: "charts"});
    const smooth = element("label", {className: "smooth"}, "smooth", slider);
    const head = element("div", {className: "head"}, text("h2", "Curves"), this.key, smooth);
    return element("section", {className: "curves"}, head, this.grid);
  }

  // Ask, show, and say when to ask again.
  async poll() {
    const state = await ask(file(this.run, "state.json"));
    if (state !== null) this.show(state);
    this.showNews();
    return this.state.more ? 0 : ["training", "starting"].includes(this.state.status) ? OFTEN : SELDOM;
  }

  show(state) {
    this.state = state;
    const {name, status, done, recipe, problem} = state;
    const far = status === "training" && done !== null ? `${Math.floor(100 * done)}% ` : "";
    document.title = `${far}${name} · ganzoo`;
    show("name", name);
    show("status", ...pill(this.state));
    this.recipe.replaceChildren(...recipe.split("+").filter(Boolean).map((part) => text("span", part)));
    this.problem.hidden = !problem;
    this.problem.textContent = problem ?? "";
    this.showTiles();
    this.showVerdict();
    this.showEvents();
    this.showPicture();
    this.showCharts();
    this.tables.replaceChildren(...tables(state).filter((one) => one !== null));
  }

  showNews() {
    const {time, status, more} = this.state, then = new Date(time);
    const ago = () => `logged ${duration(Math.max(Date.now() - then, 0) / 1000)} ago`;
    const last = () => (status === "training" ? ago() : `last logged ${then.toLocaleString()}`);
    show("news", more ? "reading the log…" : Number.isNaN(then.getTime()) ? "nothing logged yet" : last());
  }

  showTiles() {
    const {step, budget, images, speed, left, best, status} = this.state;
    const unit = (words) => text("small", words);
    const remaining = status === "finished" ? "done" : left === null ? "–" : duration(left);
    const notes = {
      training: "left at this speed",
      stopped: "if it went on as before",
      finished: budget ? "its time is used" : "all steps taken",
    };
    const [value, because] = bestSoFar(best);
    this.tiles.replaceChildren(
      tile("Step", [whole(step), unit(extent(this.state))], bar(this.state)),
      tile("Time left", [remaining], text("span", notes[status] ?? "known after the first line of the log")),
      tile("Speed", [speed === null ? "–" : whole(Math.round(speed)), unit(" images/s")],
        text("span", images === null ? "" : `${whole(images)} images so far`)),
      tile("Best so far", [value], text("span", because)),
    );
  }

  showVerdict() {
    const {verdict} = this.state;
    this.verdict.hidden = verdict === null;
    if (verdict === null) return;
    const way = ({why, how}) => element("li", {}, `${why}: `, text("code", how));
    this.verdict.replaceChildren(
      text("h2", "How it ended"), text("p", `${verdict.text}. ${verdict.cause}. What to try:`),
      element("ul", {}, ...verdict.ways.map(way)),
    );
  }

  showEvents() {
    const {events} = this.state;
    const dated = (event) => (event.text.startsWith("step ") ? event.text : `step ${whole(event.step)}: ${event.text}`);
    const line = (event) => text("li", dated(event));
    this.events.hidden = events.length === 0;
    this.events.replaceChildren(text("h2", "What the guard saw"), element("ul", {}, ...events.toReversed().map(line)));
  }

  showPicture() {
    const {samples, animation, step} = this.state, version = this.animated ? animation : samples;
    this.tabs.forEach((tab, index) => tab.setAttribute("aria-pressed", String(this.animated === (index === 1))));
    this.image.hidden = version === null;
    this.noImage.hidden = version !== null;
    this.noImage.textContent = this.animated ? "no animation yet" : "no picture yet";
    this.caption.textContent = this.animated
      ? "The same noise, from the first step on."
      : `Fixed noise, nothing chosen; by step ${whole(step)}.`;
    const source = `${file(this.run, this.animated ? "progress.gif" : "samples.png")}?${version}`;
    if (version !== null && this.image.getAttribute("src") !== source) this.image.src = source;
  }

  showCharts() {
    const groups = panels(this.state), steps = extentOfSteps(groups);
    const inside = (step) => step >= steps[0] && step <= steps[1];
    const marks = this.state.events.map(({step}) => step).filter(inside);
    const best = this.state.best !== null && inside(this.state.best.step) ? this.state.best.step : null;
    for (const {title, series, unit} of groups) {
      if (!this.charts.has(title)) this.charts.set(title, new Chart(title, (step) => this.point(step)));
      this.charts.get(title).update({series, unit, steps, marks, best, smooth: this.smooth});
    }
    this.key.replaceChildren(
      ...(best === null ? [] : [text("span", "best so far", "best")]),
      ...(marks.length ? [text("span", "the guard spoke")] : []),
    );
    const nodes = groups.map(({title}) => this.charts.get(title).node);
    if (nodes.length === 0) nodes.push(text("p", "Curves appear with the first line of log.jsonl.", "card muted"));
    if (nodes.length !== this.grid.children.length || nodes.some((node, index) => this.grid.children[index] !== node)) {
      this.grid.replaceChildren(...nodes);
    }
  }

  point(step) {
    this.charts.forEach((chart) => chart.point(step));
  }
}

// The value of the best step, and why it is the best.
export function bestSoFar(best) {
  if (best === null) return ["–", "kept once something is measured"];
  if (best.key === null) return [`step ${whole(best.step)}`, "by its health"];
  return [score(best.value), `${best.key} at step ${whole(best.step)}`];
}

function tile(label, value, note) {
  return element("div", {className: "card tile"}, text("h2", label), element("b", {}, ...value), note);
}

function tables({scores, best, facts, parts, settings}) {
  const isBest = ({key, step}) => best !== null && key === best.key && step === best.step;
  const measured = ({value, std}) => (std === null ? score(value) : `${score(value)} ± ${score(std)}`);
  return [
    table("Scores", ["score", "value", "step", "data"], scores.slice(-40).reverse().map((one) => ({
      className: isBest(one) ? "top" : "",
      cells: [one.key, measured(one), whole(one.step), one.data],
    }))),
    table("Run", [], facts.map(({name, value}) => ({cells: [name, value]}))),
    table("Recipe", ["part", "side", "because", "options"], parts.map(({part, side, because, options}) => ({
      cells: [part, side, because, options],
    }))),
    table("Settings", ["setting", "value", "because"], settings.map(({name, value, because}) => ({
      className: because === "default" ? "quiet" : "",
      cells: [name, value, because],
    }))),
  ];
}
