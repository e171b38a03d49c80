// The page as a picture with a box for each line. A page that the browser cannot show (of a PDF, a TIFF) is
// drawn as a sheet of its size, with what was read in its place.

import { grade } from "./confidence.js";
import { byId, element, shape } from "./dom.js";

const A4 = { width: 210, height: 297 };

export class Picture {
  #sheet = byId("sheet");
  #boxes = [];
  #lines = [];
  #page = A4;
  #badge = element("span", { className: "badge", ariaHidden: "true" });
  #shown = 0;

  // `onPoint(index or null)` when a box is pointed at, `onPick(index)` when it is clicked.
  constructor({ onPoint, onPick }) {
    const at = (event) => event.target.closest("[data-index]")?.dataset.index;
    this.#sheet.addEventListener("pointerover", (event) => onPoint(at(event) === undefined ? null : Number(at(event))));
    this.#sheet.addEventListener("pointerleave", () => onPoint(null));
    this.#sheet.addEventListener("click", (event) => at(event) === undefined || onPick(Number(at(event))));
  }

  // Show a page of the entry; `page` is undefined while nothing has been read of it.
  async show(entry, page) {
    const turn = ++this.#shown;
    const image = (page?.page ?? 1) === 1 ? await shownByBrowser(entry.picture) : null;
    if (turn !== this.#shown) return;
    this.#page = page?.width ? page : imageSize(image);
    this.#lines = page?.lines ?? [];
    const drawing = this.#drawing({ withText: image === null });
    this.#sheet.replaceChildren(...(image ? [image] : []), drawing, this.#badge);
    this.#sheet.style.setProperty("--ratio", this.#page.width / this.#page.height);
    this.#sheet.classList.toggle("paper", image === null);
    this.point(null);
  }

  point(index) {
    this.#boxes.forEach((box, place) => box.classList.toggle("active", place === index));
    this.#badge.hidden = index === null;
    if (index === null) return;
    const [x, y] = this.#lines[index].polygon[0];
    this.#badge.textContent = index + 1;
    this.#badge.style.left = `${(x / this.#page.width) * 100}%`;
    this.#badge.style.top = `${(y / this.#page.height) * 100}%`;
  }

  #drawing({ withText }) {
    const { width, height } = this.#page;
    const drawing = shape("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    if (withText) drawing.append(...this.#lines.map(written));
    this.#boxes = this.#lines.map((line, index) => boxed(line, index));
    drawing.append(...this.#boxes);
    return drawing;
  }
}

function boxed(line, index) {
  const points = line.polygon.map((point) => point.join(",")).join(" ");
  return shape("polygon", { points, class: `box ${grade(line.confidence)}`, "data-index": index });
}

// The line's text, fitted into its polygon, which runs clockwise from where reading starts.
function written(line) {
  const [start, end, , foot] = line.polygon;
  const [across, down] = [end[0] - start[0], end[1] - start[1]];
  const length = Math.hypot(across, down);
  const height = Math.hypot(foot[0] - start[0], foot[1] - start[1]);
  const angle = (Math.atan2(down, across) * 180) / Math.PI;
  const attributes = {
    transform: `translate(${foot[0]} ${foot[1]}) rotate(${angle})`,
    y: -height * 0.24,
    "font-size": height * 0.78,
    textLength: length,
    lengthAdjust: "spacingAndGlyphs",
  };
  return shape("text", attributes, line.text);
}

async function shownByBrowser(url) {
  const image = element("img", { src: url, alt: "" });
  return image.decode().then(() => image, () => null);
}

const imageSize = (image) => (image ? { width: image.naturalWidth, height: image.naturalHeight } : A4);
