// Draws a generator's samples: the network, what runs it and what is known of it stand in this page.

const ROWS = 4; // images that the network draws at once, so that the page can answer in between
const GRID = 640; // pixels across that small images are magnified to, by a whole number
const at = (id) => document.getElementById(id);
const facts = JSON.parse(at("facts").textContent);

/** The bytes of a script element: gzip in base64. */
async function bytesOf(id) {
  const packed = Uint8Array.from(atob(at(id).textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// --- noise ---

/** Random numbers in [0, 1) of a seed and an image's number: sfc32, of which the first numbers are left out. */
function randomNumbers(seed, image) {
  let [a, b, c, d] = [seed >>> 0, image >>> 0, 0x9e3779b9, 1];
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let k = 0; k < 16; k++) next();
  return next;
}

const laws = {
  normal: (next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  uniform: (next) => 2 * next() - 1,
};
const width = facts.noise.shape.reduce((a, b) => a * b, 1);
let table = null; // rows of noise of a law that this page does not know

function noiseOf(seed, image) {
  const next = randomNumbers(seed, image);
  if (table) {
    const row = Math.floor(next() * facts.noise.rows);
    return table.subarray(row * width, (row + 1) * width);
  }
  return Float32Array.from({ length: width }, () => laws[facts.noise.law](next));
}

// --- labels ---

const named = facts.label_kind === "class";

/** The class of an image: the chosen one, or all in turn. */
const classOf = (image) => (at("class").value === "" ? image % facts.classes : Number(at("class").value));

const vector = () => [...at("vector").querySelectorAll("input")].map((one) => (one.type === "checkbox" ? Number(one.checked) : Number(one.value)));

function addLabels() {
  if (named) {
    at("class").add(new Option("all in turn", ""));
    facts.class_names.forEach((name, number) => at("class").add(new Option(name, number)));
    at("class-label").hidden = false;
  } else if (facts.classes) {
    for (const name of facts.class_names) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = facts.label_kind === "multilabel" ? "checkbox" : "number";
      if (input.type === "number") Object.assign(input, { value: 0, step: 0.1 });
      label.append(input, ` ${name}`);
      at("vector").append(label);
    }
    at("vector").hidden = false;
  }
}

// --- pictures ---

/** Show one image (C, H, W) in [0, 1], as far as a picture can: grey, RGB or RGBA, else its first channels. */
function show(canvas, values) {
  const { channels, height, width: across } = facts;
  const plane = height * across;
  const picture = new ImageData(across, height);
  for (let k = 0; k < plane; k++) {
    for (let colour = 0; colour < 3; colour++) {
      picture.data[4 * k + colour] = Math.round(255 * values[(channels < 3 ? 0 : colour) * plane + k]);
    }
    picture.data[4 * k + 3] = channels === 4 ? Math.round(255 * values[3 * plane + k]) : 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

function canvases(count) {
  const columns = Math.round(Math.sqrt(count));
  at("grid").style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  const across = columns * facts.width;
  at("grid").style.maxWidth = `${across * Math.max(1, Math.round(GRID / across)) + 4 * (columns - 1)}px`;
  if (at("grid").children.length === count) return [...at("grid").children];
  const made = Array.from({ length: count }, () => Object.assign(document.createElement("canvas"), { width: facts.width, height: facts.height }));
  at("grid").replaceChildren(...made);
  return made;
}

// --- drawing ---

let ort, session;
let wanted = 0; // number of the newest drawing: an older one stops

/** The network's inputs for images ``start`` to ``stop``. */
function inputsOf(seed, start, stop) {
  const count = stop - start;
  const images = Array.from({ length: count }, (_, k) => start + k);
  const z = new Float32Array(count * width);
  images.forEach((image, k) => z.set(noiseOf(seed, image), k * width));
  const inputs = { z: new ort.Tensor("float32", z, [count, ...facts.noise.shape]) };
  if (named) inputs.label = new ort.Tensor("int64", BigInt64Array.from(images, (image) => BigInt(classOf(image))), [count]);
  else if (facts.classes) inputs.label = new ort.Tensor("float32", Float32Array.from(images.flatMap(vector)), [count, facts.classes]);
  if (facts.truncation) inputs.truncation = new ort.Tensor("float32", [Number(at("psi").value)], []);
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => session.inputNames.includes(name)));
}

let busy = Promise.resolve(); // the network draws one batch after the other

async function draw() {
  const mine = ++wanted;
  await busy;
  if (mine !== wanted) return;
  busy = drawAll(mine);
  await busy;
}

async function drawAll(mine) {
  const [seed, count, begun] = [Number(at("seed").value), Number(at("count").value), performance.now()];
  at("psi-value").textContent = at("psi").value;
  at("save").disabled = true;
  delete document.body.dataset.drawn;
  const places = canvases(count);
  for (let start = 0; start < count; start += ROWS) {
    const stop = Math.min(start + ROWS, count);
    const { image } = await session.run(inputsOf(seed, start, stop));
    if (mine !== wanted) return;
    const size = image.data.length / (stop - start);
    for (let k = start; k < stop; k++) show(places[k], image.data.subarray((k - start) * size, (k - start + 1) * size));
    at("status").textContent = `${stop} of ${count} images`;
    await new Promise((resolve) => setTimeout(resolve));
  }
  at("status").textContent = `${count} images of seed ${seed}, ${((performance.now() - begun) / 1000).toFixed(1)} s`;
  at("save").disabled = false;
  document.body.dataset.drawn = `${count}`;
}

function save() {
  const places = [...at("grid").children];
  const columns = Math.round(Math.sqrt(places.length));
  const sheet = document.createElement("canvas");
  [sheet.width, sheet.height] = [columns * facts.width, Math.ceil(places.length / columns) * facts.height];
  places.forEach((canvas, k) => sheet.getContext("2d").drawImage(canvas, (k % columns) * facts.width, Math.floor(k / columns) * facts.height));
  sheet.toBlob((blob) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `seed-${at("seed").value}.png` });
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

function addFacts() {
  const shown = { recipe: facts.recipe, size: `${facts.width} x ${facts.height}, ${facts.channels} channels`, data: facts.dataset, licence: facts.license,
    steps: facts.step, "sha256 of the weights": facts.weights_sha256, ganzoo: facts.ganzoo, "onnxruntime-web": facts.runtime };
  for (const [name, value] of Object.entries(shown)) {
    const row = at("about").insertRow();
    row.append(Object.assign(document.createElement("th"), { textContent: name }));
    row.insertCell().textContent = `${value}`;
  }
}

async function open() {
  addFacts();
  addLabels();
  at("psi-label").hidden = !facts.truncation;
  ort = await import(URL.createObjectURL(new Blob([await bytesOf("script")], { type: "text/javascript" })));
  ort.env.wasm.numThreads = 1; // more need headers, which a page on the disk does not have
  ort.env.wasm.wasmBinary = (await bytesOf("wasm")).buffer;
  if (facts.noise.law === "table") table = new Float32Array((await bytesOf("table")).buffer);
  session = await ort.InferenceSession.create(await bytesOf("model"), { executionProviders: ["wasm"] });
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  at("next").addEventListener("click", () => { at("seed").value = Number(at("seed").value) + 1; update(); });
  at("save").addEventListener("click", save);
  for (const id of ["controls", "vector"]) at(id).addEventListener("input", update);
  await draw();
}

function failed(error) {
  at("status").textContent = `This page cannot draw here: ${error.message ?? error}`;
  document.body.dataset.failed = "yes";
}

function update() {
  draw().catch(failed);
}

open().catch(failed);
