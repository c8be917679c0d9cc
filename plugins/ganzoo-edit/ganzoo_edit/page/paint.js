// The page: tools on the left, a pad to draw on, and the model's answer, asked for again while it moves.

import {Pad} from "./pad.js";
import {enlarge, photoPixels, pictureOf, taste} from "./pixels.js";
import {layers, look, tell} from "./server.js";

const SOON = 90, DRAWING = 160; // milliseconds
const SWATCHES = ["#111111", "#7a7a7a", "#ffffff", "#8b5a2b", "#d9a066", "#f2d64b",
                  "#e8542a", "#b3202c", "#3f9b3a", "#1f5c2e", "#5aa9e6", "#1f3f8f"];
const HINTS = {
  colour: "Paint a colour: the model makes the picture have it there.",
  sketch: "Draw the line of an edge: the model puts an edge along it.",
  keep: "Mark what must stay as it is, then draw elsewhere.",
  erase: "Rub strokes out.",
};
const KEYS = {c: "colour", s: "sketch", k: "keep", e: "erase"};
const LOST = "No answer from ganzoo paint: it has ended, or was started again with another address.";

const $ = (id) => document.getElementById(id);
let state = null, redrawn = -1, timer = 0, sending = false, waiting = [], sentAt = 0, pause = SOON, told = 0;

const pad = new Pad($("pad"), (stroke, ended) => {
  if (ended || performance.now() - sentAt > DRAWING) send("paint", {stroke, hold: Number($("hold").value), ...pad.packed()});
});

// One request at a time, in order. What sets a value takes the place of the one before where that still waits.
async function send(deed, value) {
  if (sending) {
    const [before, set] = waiting.at(-1) ?? [];
    if (value && before === deed && set.stroke === value.stroke) waiting.pop();
    waiting.push([deed, value]);
    return;
  }
  sending = true;
  sentAt = performance.now();
  told += 1;
  rest();
  try {
    await show(await tell(deed, value));
  } catch (error) {
    trouble(error);
  }
  sending = false;
  if (waiting.length) send(...waiting.shift());
  else {
    rest();
    again();
  }
}

// Whether all that was asked for is on the page.
function rest() {
  $("done").className = sending || state?.busy ? "" : "rest";
}

function again() {
  clearTimeout(timer);
  if (state?.busy) timer = setTimeout(poll, pause);
}

async function poll() {
  const asked = performance.now(), before = told;
  try {
    const next = await look();
    if (told === before) await show(next); // else what was told since then has an answer of its own
  } catch (error) {
    trouble(error);
  }
  pause = Math.max(SOON, performance.now() - asked); // a busy machine has its time for the model
  again();
}

function trouble(error) {
  $("lost").textContent = error instanceof TypeError ? LOST : error.message;
  $("lost").hidden = false;
}

async function show(next) {
  $("lost").hidden = true;
  if (next === null) return;
  const first = state === null;
  state = next;
  if (first) begin();
  pad.before = pictureOf(state.before, state.resolution);
  if (state.redrawn !== redrawn && !pad.last) {
    redrawn = state.redrawn;
    pad.unpack(state.drawn ? await layers() : {});
  }
  redraw();
  $("status").textContent = state.busy ? `${state.busy}… ${state.note}` : state.note;
  $("done").style.width = `${100 * state.done}%`;
  rest();
  $("undo").disabled = !state.undo;
  $("settle").disabled = !state.drawn;
  $("strip-title").textContent = state.drawn ? "Other ways to get there" : "Choose one, or draw on it";
  if (document.activeElement !== $("blend")) $("blend").value = state.blend;
  if (document.activeElement !== $("hold")) $("hold").value = state.hold;
  if (state.label !== null) $("class").value = state.label;
  strip();
}

function redraw() {
  pad.show();
  enlarge(pictureOf(state.shown, state.resolution), $("result"));
}

function strip() {
  const box = $("candidates");
  while (box.children.length < state.candidates.length) {
    const row = box.children.length, button = document.createElement("button");
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = state.side;
    button.append(canvas);
    button.setAttribute("aria-label", `candidate ${row + 1}`);
    button.onclick = () => send("choose", {row});
    box.append(button);
  }
  state.candidates.forEach((text, row) => {
    box.children[row].firstChild.getContext("2d").drawImage(pictureOf(text, state.side), 0, 0);
    box.children[row].setAttribute("aria-pressed", row === state.chosen);
  });
}

function begin() {
  document.title = `${state.title} · ganzoo paint`;
  $("title").textContent = state.title;
  $("where").textContent = `${state.resolution}×${state.resolution} pixels`;
  pad.resize(state.resolution);
  $("class-box").hidden = state.label === null;
  state.classes.forEach((name, number) => $("class").append(new Option(name, number)));
}

function choose(tool) {
  pad.tool = tool;
  for (const button of $("tools").children) button.setAttribute("aria-checked", button.dataset.tool === tool);
  $("hint").textContent = HINTS[tool];
  $("swatches").hidden = tool !== "colour";
}

function colour(value) {
  pad.colour = value;
  $("any").value = value;
  $("dot").style.setProperty("--stroke", value);
  for (const button of $("swatches").querySelectorAll("button")) button.setAttribute("aria-pressed", button.value === value);
}

function resize(value) {
  pad.size = Number(value);
  $("size").value = value;
  $("size-out").textContent = pad.size;
  pad.show();
}

for (const value of SWATCHES) {
  const button = document.createElement("button");
  button.value = value;
  button.style.background = value;
  button.setAttribute("aria-label", value);
  button.onclick = () => { colour(value); choose("colour"); };
  $("swatches").append(button);
}
$("swatches").append(Object.assign(document.createElement("input"), {type: "color", id: "any"}));
$("any").oninput = (event) => colour(event.target.value);
pad.picked = (value) => { colour(value); choose("colour"); };
for (const button of $("tools").children) button.onclick = () => choose(button.dataset.tool);
$("size").oninput = (event) => resize(event.target.value);
$("hold").onchange = () => state.drawn && send("paint", {stroke: pad.stroke += 1, hold: Number($("hold").value), ...pad.packed()});
$("blend").oninput = (event) => send("slide", {blend: Number(event.target.value)});
$("class").onchange = (event) => send("class", {label: Number(event.target.value)});
$("smooth").onchange = (event) => { taste.smooth = event.target.checked; redraw(); };
$("new").onclick = () => send("new");
$("undo").onclick = () => send("undo");
$("settle").onclick = () => send("settle");
$("open").onclick = () => $("file").click();
$("file").onchange = async () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (!file) return;
  try {
    const {pixels} = await photoPixels(file, state.resolution);
    send("photo", {pixels});
  } catch {
    trouble(new Error(`${file.name} is no picture that this browser can read.`));
  }
};
addEventListener("keydown", (event) => {
  if (event.target.matches("select, input[type=color]")) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") $("undo").click();
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.key in KEYS) choose(KEYS[event.key]);
  else if (event.key === "n") $("new").click();
  else if (event.key === "[") resize(Math.max(1, pad.size - 1));
  else if (event.key === "]") resize(Math.min(16, pad.size + 1));
  else return;
  event.preventDefault();
});
choose("colour");
colour(pad.colour);
resize(6);
poll();
