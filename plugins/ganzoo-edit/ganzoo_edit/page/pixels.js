// Pixels as the server sends and takes them: base64 of bytes, row by row.

export function bytesOf(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

export function textOf(bytes) {
  let raw = "";
  for (let i = 0; i < bytes.length; i += 8192) raw += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(raw);
}

// A canvas of the picture's own size.
export function pictureOf(text, side) {
  const rgb = bytesOf(text), canvas = blank(side), context = canvas.getContext("2d"), image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    image.data.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export function blank(side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.getContext("2d", {willReadFrequently: true});
  return canvas;
}

// Fill one canvas with another, smoothly or pixel by pixel.
export const taste = {smooth: true};

export function enlarge(from, to) {
  const context = to.getContext("2d");
  context.imageSmoothingEnabled = taste.smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(from, 0, 0, to.width, to.height);
}

// The middle square of a photo in the model's size, as RGBA; halved step by step, which no browser blurs or aliases.
export async function photoPixels(file, side) {
  const bitmap = await createImageBitmap(file);
  const cut = Math.min(bitmap.width, bitmap.height);
  const from = [(bitmap.width - cut) / 2, (bitmap.height - cut) / 2, cut, cut];
  let size = cut > side ? Math.max(side, Math.min(cut, side * 2 ** Math.floor(Math.log2(cut / side)))) : side;
  let canvas = scaled(bitmap, from, size);
  while (size > side) {
    const next = Math.max(side, Math.floor(size / 2));
    canvas = scaled(canvas, [0, 0, size, size], next);
    size = next;
  }
  const note = bitmap.width === bitmap.height ? "" : `the middle of ${bitmap.width}×${bitmap.height}`;
  return {pixels: textOf(canvas.getContext("2d").getImageData(0, 0, side, side).data), note};
}

function scaled(source, from, size) {
  const canvas = blank(size), context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, ...from, 0, 0, size, size);
  return canvas;
}
