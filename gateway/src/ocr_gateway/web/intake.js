// The ways in: choose, drop, paste, the sample.

import { byId, say } from "./dom.js";
import { samplePage } from "./sample.js";

export function takeIn(onFiles) {
  const take = (files) => files.length && onFiles([...files]);

  byId("choose").addEventListener("change", ({ target }) => {
    take(target.files);
    target.value = "";
  });
  byId("sample").addEventListener("click", async () => take([await samplePage()]));
  document.addEventListener("paste", ({ clipboardData }) => take(clipboardData.files));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const folders = [...event.dataTransfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
    if (folders) say("Folders are not read. Drop the files in them.");
    else take(event.dataTransfer.files);
  });
}
