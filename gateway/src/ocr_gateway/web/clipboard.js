// Copying, also where the page came by plain HTTP: browsers have no navigator.clipboard there.

import { element, say } from "./dom.js";

// Copy the text and say that `what` is copied, or that it could not be; gives whether it was.
export async function copy(text, what) {
  const done = await (navigator.clipboard ? written(text) : selected(text));
  say(done ? `${what} is copied.` : `${what} is not copied: the browser does not let this page.`);
  return done;
}

const written = (text) => navigator.clipboard.writeText(text).then(() => true, () => false);

function selected(text) {
  const focused = document.activeElement;
  const field = element("textarea", { className: "hidden", value: text });
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return done;
}
