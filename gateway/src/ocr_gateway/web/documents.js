// The documents of this visit, and the queue that has the server read them.

import { Problem, read } from "./api.js";

const AT_ONCE = 2;
const CANCELLED = new Problem({
  title: "Cancelled",
  detail: "You stopped before the whole document was read.",
  retryable: true,
});

// state: "waiting", "reading", "done", "failed" or "cancelled".
export class Entry {
  pages = [];
  outputs = new Map();
  timings = {};
  seconds = 0;
  total = 0; // pages, once it is known
  state = "waiting";
  problem = null;

  constructor(file) {
    this.file = file;
    this.picture = URL.createObjectURL(file);
  }

  get name() {
    return this.file.name || "document";
  }
}

export class Documents extends EventTarget {
  entries = [];
  key = "";
  #stop = new AbortController();

  add(files) {
    const added = files.map((file) => new Entry(file));
    this.entries.push(...added);
    for (const entry of added) this.#change(entry, {});
    this.#next();
    return added;
  }

  // Read those again that `wanted` picks.
  retry(wanted) {
    for (const entry of this.entries.filter(wanted)) {
      Object.assign(entry, { state: "waiting", problem: null, pages: [] });
    }
    this.#next();
  }

  cancel() {
    this.#stop.abort();
    this.#stop = new AbortController();
    for (const entry of this.open) this.#change(entry, { state: "cancelled", problem: CANCELLED });
  }

  get open() {
    return this.entries.filter(isOpen);
  }

  #next() {
    const free = AT_ONCE - this.entries.filter((entry) => entry.state === "reading").length;
    const waiting = this.entries.filter((entry) => entry.state === "waiting");
    for (const entry of waiting.slice(0, free)) this.#read(entry, this.#stop.signal);
  }

  async #read(entry, signal) {
    const started = performance.now();
    const onTotal = (total) => signal.aborted || this.#change(entry, { total });
    const onPage = (page) => signal.aborted || this.#change(entry, { pages: [...entry.pages, page] });
    this.#change(entry, { state: "reading" });
    try {
      const { timings, json } = await read(entry.file, { key: this.key, signal, onPage, onTotal });
      if (json) entry.outputs.set("json", json);
      const seconds = (performance.now() - started) / 1000;
      this.#change(entry, { state: "done", timings, seconds });
    } catch (error) {
      if (!signal.aborted) this.#change(entry, { state: "failed", problem: asProblem(error) });
    }
    this.#next();
  }

  #change(entry, what) {
    Object.assign(entry, what);
    this.dispatchEvent(new CustomEvent("change", { detail: entry }));
  }
}

const isOpen = (entry) => entry.state === "waiting" || entry.state === "reading";

export function asProblem(error) {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem({ title: "The answer could not be read", detail: String(error.message), retryable: true });
}
