// The document in the chosen format: preview, download, and the command that gives the same.

import { ENDPOINT, render } from "./api.js";
import { copy } from "./clipboard.js";
import { asProblem } from "./documents.js";
import { byId, element, say } from "./dom.js";

const SHOWN_CHARACTERS = 100_000;
const EXTENSIONS = { text: "txt", markdown: "md", hocr: "hocr.html", alto: "alto.xml", page: "page.xml" };

export class Output {
  #documents;
  #entry = null;

  constructor(documents) {
    this.#documents = documents;
    byId("formats").addEventListener("change", () => this.#preview());
    byId("preview").addEventListener("click", () => this.#preview());
    byId("download").addEventListener("click", () => this.#download());
    byId("copy-curl").addEventListener("click", () => copy(byId("curl").textContent, "The command"));
  }

  show(entry) {
    const ready = entry.state === "done";
    for (const id of ["preview", "download", "formats"]) byId(id).disabled = !ready;
    this.#command(entry);
    if (entry === this.#entry && ready) return;
    this.#entry = ready ? entry : null;
    byId("output").hidden = true;
    byId("output-note").textContent = "";
    if (ready && entry.outputs.has(format())) this.#preview();
  }

  async #preview() {
    const [entry, name] = [this.#entry, format()];
    this.#command(entry);
    const blob = await this.#rendered(entry, name);
    if (blob === null) return;
    const isText = blob.type !== "application/pdf";
    const text = isText ? await beginning(blob, name) : "";
    if (entry !== this.#entry || name !== format()) return; // something else was chosen meanwhile
    byId("output").hidden = !isText;
    byId("output").textContent = text;
    const cut = isText && blob.size > SHOWN_CHARACTERS ? "The beginning is shown; the download has all of it." : "";
    byId("output-note").textContent = isText ? cut : "A PDF that can be searched is ready to download.";
  }

  async #download() {
    const [entry, name] = [this.#entry, format()];
    const blob = await this.#rendered(entry, name);
    if (blob === null) return;
    const url = URL.createObjectURL(blob);
    element("a", { href: url, download: fileName(entry, name) }).click();
    URL.revokeObjectURL(url);
    say(`${fileName(entry, name)} is downloaded.`);
  }

  // Every format is made by the server, which reads the document again for it; once for each.
  async #rendered(entry, name) {
    const known = entry.outputs.get(name);
    if (known) return known;
    byId("output-note").textContent = `The server makes ${name} …`;
    try {
      const blob = await render(entry.file, name, { key: this.#documents.key });
      entry.outputs.set(name, blob);
      byId("output-note").textContent = "";
      return blob;
    } catch (error) {
      const { title, detail, requestId } = asProblem(error);
      byId("output-note").textContent = `${title}. ${detail} Request ${requestId || "without id"}.`;
      return null;
    }
  }

  #command(entry) {
    byId("curl").textContent = command(entry, format(), this.#documents.key);
  }
}

// The shell command; a key is named as a variable, so that it is in no history and no screenshot.
function command(entry, name, key) {
  const url = new URL(ENDPOINT);
  url.searchParams.set("output", name);
  const authorization = key ? ` -H "Authorization: Bearer $KUBEOCR_API_KEY"` : "";
  return `curl --data-binary @${quoted(entry.name)}${authorization} ${quoted(url.href)} -o ${quoted(fileName(entry, name))}`;
}

const quoted = (text) => (/^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

const fileName = (entry, name) => `${entry.name.replace(/\.[^.]*$/, "")}.${EXTENSIONS[name] ?? name}`;

const format = () => byId("formats").querySelector("input:checked").value;

async function beginning(blob, name) {
  const text = await blob.slice(0, SHOWN_CHARACTERS).text();
  return name === "json" && blob.size <= SHOWN_CHARACTERS ? JSON.stringify(JSON.parse(text), null, 2) : text;
}
