// Which page to show, and asking again and again while anyone looks.

import {show} from "./dom.js";
import {INDEX, IndexPage} from "./index.js";
import {RunPage} from "./run.js";
import {ask, forget} from "./server.js";

const ONLY = "this"; // what a run is called where it is the only one
const LATER = 5000; // milliseconds after a question that was not answered
const GONE = "There is no such run any more.";
const LOST = "No answer from ganzoo watch: it has ended, or was started again with another address.";

const main = document.getElementById("main");
let page = null, timer = 0, round = 0;

// The page for what stands after #: a run; without it the only run there is, or all of them.
async function chosen() {
  const asked = decodeURIComponent(location.hash.slice(1));
  document.getElementById("home").hidden = !asked;
  if (asked) return page instanceof RunPage && page.run === asked ? page : new RunPage(asked, main);
  if (page instanceof IndexPage || page?.run === ONLY) return page;
  forget(INDEX);
  const {single} = await ask(INDEX);
  return single ? new RunPage(ONLY, main) : new IndexPage(main);
}

async function go() {
  clearTimeout(timer);
  const mine = ++round;
  let pause = LATER, trouble = "";
  try {
    page = await chosen();
    pause = await page.poll();
  } catch (error) {
    trouble = error.message === "404" ? GONE : LOST;
  }
  show("lost", trouble);
  document.getElementById("lost").hidden = !trouble;
  if (mine === round && !document.hidden) timer = setTimeout(go, pause);
}

addEventListener("hashchange", go);
document.addEventListener("visibilitychange", () => document.hidden || go());
go();
