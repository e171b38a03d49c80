// The lines of a page beside its picture: a list that the arrow keys walk, each a button that copies.

import { grade, percent } from "./confidence.js";
import { byId, element } from "./dom.js";

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export class Lines {
  #list = byId("lines");
  #rows = [];

  // `onPoint(index or null)` when a row is pointed at or focused, `onPick(index)` when it is pressed.
  constructor({ onPoint, onPick }) {
    const at = (event) => this.#rows.indexOf(event.target.closest("button"));
    const point = (event) => onPoint(at(event) < 0 ? null : at(event));
    this.#list.addEventListener("pointerover", point);
    this.#list.addEventListener("pointerleave", () => onPoint(null));
    this.#list.addEventListener("focusin", (event) => this.#enter(at(event), onPoint));
    this.#list.addEventListener("focusout", () => onPoint(null));
    this.#list.addEventListener("click", (event) => at(event) < 0 || onPick(at(event)));
    this.#list.addEventListener("keydown", (event) => this.#walk(event, at(event)));
  }

  show(lines) {
    this.#rows = lines.map(row);
    this.#list.replaceChildren(...this.#rows.map((button) => element("li", {}, button)));
    if (this.#rows.length) this.#rows[0].tabIndex = 0;
  }

  // Mark a row; `reveal` scrolls the list, never the window, so that it can be seen.
  point(index, { reveal = false } = {}) {
    this.#rows.forEach((button, place) => button.classList.toggle("active", place === index));
    if (index === null || !reveal) return;
    const [row, list] = [this.#rows[index].getBoundingClientRect(), this.#list.getBoundingClientRect()];
    if (row.top < list.top) this.#list.scrollTop -= list.top - row.top;
    if (row.bottom > list.bottom) this.#list.scrollTop += row.bottom - list.bottom;
  }

  copied(index) {
    for (const button of this.#rows) button.classList.remove("copied");
    this.#rows[index].classList.add("copied");
  }

  #enter(index, onPoint) {
    this.#rows.forEach((button, place) => (button.tabIndex = place === index ? 0 : -1));
    onPoint(index);
  }

  #walk(event, index) {
    if (!(event.key in STEPS) || index < 0) return;
    event.preventDefault();
    const last = this.#rows.length - 1;
    this.#rows[Math.min(last, Math.max(0, index + STEPS[event.key]))].focus();
  }
}

function row(line, index) {
  return element(
    "button",
    { type: "button", tabIndex: -1, className: grade(line.confidence) },
    element("span", { className: "number", textContent: index + 1 }),
    element("span", { className: "text", dir: "auto", textContent: line.text }),
    element("span", { className: "confidence", textContent: percent(line.confidence) }),
  );
}
