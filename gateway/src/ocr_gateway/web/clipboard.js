// Copying, also where the page came by plain HTTP: browsers have no navigator.clipboard there.

import { element } from "./dom.js";

export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const focused = document.activeElement;
  const field = element("textarea", { className: "hidden", value: text });
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  if (!done) throw new Error("The browser does not let this page copy.");
}
