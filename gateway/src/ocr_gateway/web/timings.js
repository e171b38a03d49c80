// Where the time went: a bar for each stage that the server tells of, the longest over the whole width.

import { byId, element } from "./dom.js";

const NAMES = {
  read: "upload",
  decode: "decode",
  upstream: "model servers",
  queue: "queue",
  det: "find lines",
  cls: "which way up",
  rec: "read lines",
  post: "put in order",
};

export function showTimings({ timings, seconds, state }) {
  const stages = Object.entries(state === "done" ? timings : {});
  const total = seconds * 1000;
  const rows = stages.length ? [...stages, ["here, in all", total]] : [];
  const longest = Math.max(...rows.map(([, value]) => value));
  byId("timings").replaceChildren(...rows.flatMap(([name, value]) => bar(NAMES[name] ?? name, value, value / longest)));
}

function bar(name, milliseconds, share) {
  const filled = element("span", { className: "bar" });
  filled.style.setProperty("--share", share);
  const value = milliseconds < 9.95 ? milliseconds.toFixed(1) : Math.round(milliseconds);
  return [element("dt", { textContent: name }), element("dd", {}, filled, `${value} ms`)];
}
