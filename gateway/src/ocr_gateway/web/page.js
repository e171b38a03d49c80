// The page: what the documents say, on the screen.

import { copy } from "./clipboard.js";
import { Documents } from "./documents.js";
import { byId, element, say } from "./dom.js";
import { takeIn } from "./intake.js";
import { Lines } from "./lines.js";
import { Output } from "./output.js";
import { Picture } from "./picture.js";
import { showTimings } from "./timings.js";

const STATES = { waiting: "waiting", reading: "reading …", failed: "failed", cancelled: "cancelled" };

const documents = new Documents();
const output = new Output(documents);
const lines = new Lines({ onPoint: (index) => point(index), onPick: copyLine });
const picture = new Picture({ onPoint: (index) => point(index, { reveal: true }), onPick: copyLine });
const buttons = new Map();
let current = null; // the entry on the screen
let number = 0; // and which of its pages
let drawn = []; // what the picture and the lines were last made of

const shownPage = () => current.pages[number];
const shownLines = () => shownPage()?.lines ?? [];

function point(index, how) {
  lines.point(index, how);
  picture.point(index);
}

async function copyLine(index) {
  if (await copy(shownLines()[index].text, `Line ${index + 1}`)) lines.copied(index);
}

function choose(entry, place = 0) {
  current = entry;
  number = place;
  refresh(entry);
}

function refresh(changed) {
  document.body.classList.remove("empty");
  byId("work").hidden = false;
  byId("cancel").hidden = documents.open.length === 0;
  byId("key").hidden = !documents.entries.some(isLocked);
  label(changed);
  announce(changed);
  if (changed === current) show();
}

function label(entry) {
  const button = buttons.get(entry) ?? tab(entry);
  button.dataset.state = entry.state;
  button.querySelector("small").textContent = told(entry);
  for (const [each, tab] of buttons) tab.ariaCurrent = each === current ? "true" : null;
}

function told({ state, pages, total }) {
  const count = pages.length === 1 ? "1 page" : `${pages.length} pages`;
  if (state === "done") return pages.length === 1 ? `${(pages[0].lines ?? []).length} lines` : count;
  return state === "reading" && pages.length ? `${pages.length} of ${total} pages …` : STATES[state];
}

// Pages come by the hundred; only beginnings and ends are worth a word.
function announce(entry) {
  if (entry.state === "waiting" || (entry.state === "reading" && entry.pages.length)) return;
  const name = documents.entries.length > 1 ? `${entry.name}: ` : "";
  const time = entry.state === "done" ? ` in ${entry.seconds.toFixed(1)} s` : "";
  say(`${name}${told(entry)}${time}`);
}

function show() {
  const page = shownPage();
  const reading = documents.open.includes(current);
  showProgress(reading);
  turner(page);
  showProblem(current.problem ?? page?.error);
  output.show(current);
  showTimings(current);
  byId("lines-note").textContent = note(page, reading);
  byId("copy-all").disabled = !page?.text;
  if (drawn[0] === current && drawn[1] === page) return;
  drawn = [current, page];
  lines.show(shownLines());
  picture.show(current, page);
}

function showProgress(reading) {
  const bar = byId("progress");
  bar.hidden = !reading;
  bar.max = current.total || 1;
  if (current.total > 1) bar.value = current.pages.length;
  else bar.removeAttribute("value");
}

function turner(page) {
  const count = current.pages.length;
  byId("caption").textContent = page?.width ? `${current.name}, ${page.width} × ${page.height}` : current.name;
  byId("place").textContent = `${page?.page ?? number + 1} of ${count}`;
  byId("place").parentElement.hidden = count < 2;
  byId("previous").disabled = number === 0;
  byId("next").disabled = number >= count - 1;
}

function note(page, reading) {
  if (reading && !page) return "The server is reading …";
  if (!page?.lines) return "Nothing was read.";
  return page.lines.length ? "Click a line to copy it." : "There is no text on this page.";
}

function showProblem(problem) {
  const card = byId("problem");
  card.hidden = !problem;
  if (!problem) return;
  card.querySelector("h2").textContent = problem.title;
  card.querySelector(".detail").textContent = problem.detail;
  const id = problem.requestId ?? problem.instance;
  card.querySelector(".quiet").textContent = id ? `Request ${id}` : "";
  byId("again").hidden = !problem.retryable;
}

const isLocked = (entry) => entry.state === "failed" && entry.problem.status === 401;

function tab(entry) {
  const name = element("span", { textContent: entry.name });
  const button = element("button", { type: "button" }, name, element("small"));
  button.addEventListener("click", () => choose(entry));
  buttons.set(entry, button);
  byId("documents").append(button);
  return button;
}

documents.addEventListener("change", ({ detail }) => refresh(detail));
byId("previous").addEventListener("click", () => choose(current, number - 1));
byId("next").addEventListener("click", () => choose(current, number + 1));
byId("cancel").addEventListener("click", () => documents.cancel());
byId("again").addEventListener("click", () => documents.retry((entry) => entry === current));
byId("copy-all").addEventListener("click", () => copy(shownPage().text, "The page"));
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  documents.key = byId("key-value").value;
  documents.retry(isLocked);
});
takeIn((files) => choose(documents.add(files)[0]));
