// The page: sliders, and the pictures that the model draws where they stand. All that is shown is sent with every
// question; one question at a time, and only the last of those that wait.

const LOST = "No answer from ganzoo steer: it has ended, or was started again with another address.";
const $ = (id) => document.getElementById(id);
let about = null, busy = false, waiting = false, saved = "";

const sliders = () => [...document.querySelectorAll("#sliders input")];

function setting() {
  return {
    seed: about.seed === null ? 0 : Math.max(0, Math.floor(Number($("seed").value) || 0)),
    label: $("class").value === "" ? null : Number($("class").value),
    truncation: about.truncation && $("truncated").checked ? Number($("truncation").value) : null,
    amounts: sliders().map((slider) => Number(slider.value)),
  };
}

async function ask(what, value) {
  const headers = {"Content-Type": "application/json"};
  const reply = await fetch(what, {method: "POST", headers, body: JSON.stringify(value)});
  if (!reply.ok) throw new Error((await reply.text()).trim() || String(reply.status));
  return reply;
}

async function draw() {
  tell();
  if (busy) {
    waiting = true;
    return;
  }
  busy = true;
  document.body.dataset.state = "drawing";
  try {
    const now = setting();
    const blob = await (await ask("picture.png", now)).blob();
    const picture = await createImageBitmap(blob), canvas = $("picture");
    canvas.width = picture.width;
    canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    URL.revokeObjectURL(saved);
    $("save").href = saved = URL.createObjectURL(blob);
    $("line").textContent = (await (await ask("line", now)).json()).line;
    $("lost").hidden = true;
  } catch (error) {
    $("lost").textContent = error instanceof TypeError ? LOST : error.message;
    $("lost").hidden = false;
  }
  busy = false;
  if (waiting) {
    waiting = false;
    draw();
  } else document.body.dataset.state = "rest";
}

// What the numbers beside the sliders say.
function tell() {
  for (const slider of sliders()) slider.nextElementSibling.textContent = Number(slider.value).toFixed(1);
  $("truncation-out").textContent = $("truncated").checked ? Number($("truncation").value).toFixed(2) : "off";
  $("truncation").disabled = !$("truncated").checked;
}

function reset() {
  for (const slider of sliders()) slider.value = 0;
  $("seed").value = about.seed ?? 0;
  $("class").value = about.label ?? "";
  $("truncated").checked = false;
  if (about.truncation) $("truncation").value = about.truncation.start;
  draw();
}

function begin() {
  document.title = `${about.title} · ganzoo steer`;
  $("title").textContent = about.title;
  $("found").textContent = about.found;
  $("seed-box").hidden = about.seed === null;
  $("class-box").hidden = !about.classes.length;
  about.classes.forEach((name, number) => $("class").append(new Option(name, number)));
  $("truncation-box").hidden = !about.truncation;
  if (about.truncation) {
    $("truncation").min = about.truncation.least;
    $("truncation").max = about.truncation.most;
    $("truncation-name").textContent = about.truncation.psi ? "truncation ψ" : "truncation";
  }
  for (let number = 0; number < about.sliders; number++) {
    const row = document.createElement("label"), name = document.createElement("span");
    const slider = document.createElement("input");
    row.className = "row";
    name.textContent = `d${number}`;
    Object.assign(slider, {type: "range", min: -about.furthest, max: about.furthest, step: 0.1, value: 0, id: `d${number}`});
    slider.oninput = draw;
    slider.ondblclick = () => { slider.value = 0; draw(); };
    row.append(name, slider, document.createElement("output"));
    $("sliders").append(row);
  }
  $("seed").onchange = $("class").onchange = $("truncated").onchange = $("truncation").oninput = draw;
  $("next").onclick = () => { $("seed").value = setting().seed + 1; draw(); };
  $("reset").onclick = reset;
  reset();
}

try {
  about = await (await fetch("about.json")).json();
  begin();
} catch {
  $("lost").textContent = LOST;
  $("lost").hidden = false;
}
