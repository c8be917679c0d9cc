// The page of a folder of runs.

import {bar, duration, element, extent, pill, score, show, text, whole} from "./dom.js";
import {ask, file, forget} from "./server.js";

export const INDEX = "runs.json";
const PAUSE = 2500; // milliseconds between questions

export class IndexPage {
  constructor(main) {
    this.grid = element("div", {className: "runs"});
    main.replaceChildren(this.grid);
    forget(INDEX);
  }

  async poll() {
    const state = await ask(INDEX);
    if (state !== null) this.show(state);
    return PAUSE;
  }

  show({title, runs}) {
    const going = runs.filter(isGoing).length;
    document.title = `${title} · ganzoo`;
    show("name", title);
    show("status", "", "pill");
    show("news", `${whole(runs.length)} ${runs.length === 1 ? "run" : "runs"}, ${whole(going)} going`);
    const newest = (a, b) => isGoing(b) - isGoing(a) || (b.samples ?? 0) - (a.samples ?? 0);
    const cards = [...runs].sort(newest).map(card);
    const nothing = text("p", "No run here yet; ganzoo train makes one.", "card muted");
    this.grid.replaceChildren(...(cards.length ? cards : [nothing]));
  }
}

const isGoing = ({status}) => status === "training" || status === "starting";

function card(run) {
  const {id, recipe, status, step, left, best, samples, problem, verdict} = run;
  const image = () => element("img", {alt: "", src: `${file(id, "samples.png")}?${samples}`});
  const bestText = best === null ? "" : `best: ${best.key === null ? `step ${whole(best.step)}` : score(best.value)}`;
  const after = status === "training" && left !== null ? `${duration(left)} left` : bestText;
  return element("a", {className: "card run picture", href: `#${encodeURIComponent(id)}`},
    samples === null ? text("div", "no picture yet", "empty") : image(),
    element("div", {className: "row"}, text("b", id), text("span", ...pill(run))),
    text("div", recipe || "…", "mono"),
    bar(run),
    element("div", {className: "row muted"}, text("span", `step ${whole(step)}${extent(run)}`), text("span", after)),
    verdict || problem ? text("div", verdict ? verdict.text : problem, "muted") : null,
  );
}
