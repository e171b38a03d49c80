// The calls of the OCR API. An answer comes as a stream of pages where the server has one, else as a whole.

export const ENDPOINT = new URL("v1/ocr", document.baseURI);
const STREAM = "application/x-ndjson";

export class Problem extends Error {
  constructor({ title, detail = "", status = 0, retryable = false, instance = "" }) {
    super(title);
    Object.assign(this, { title, detail, status, retryable, requestId: instance });
  }
}

// Read a document; `onPage` is called with each of its pages. Gives what the server says about the whole:
// its timings, and the answer as it came if that was JSON.
export async function read(file, { onPage, ...call }) {
  const answer = await post(file, { accept: `${STREAM}, application/json;q=0.9`, ...call });
  if (mediaType(answer) === STREAM) return streamed(answer, onPage);
  const whole = await answer.blob();
  const document = JSON.parse(await whole.text());
  document.pages.forEach(onPage);
  return { timings: document.timings_ms, json: whole };
}

// The document in one of the output formats, as a Blob.
export async function render(file, output, call) {
  return (await post(file, { output, ...call })).blob();
}

async function post(file, { output, accept = "*/*", key, signal }) {
  const url = new URL(ENDPOINT);
  if (output) url.searchParams.set("output", output);
  // What the document is, the server finds in its bytes; a type guessed from its name could only mislead.
  const headers = { Accept: accept, "Content-Type": "application/octet-stream" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const answer = await fetch(url, { method: "POST", body: file, headers, signal }).catch((error) => {
    throw error.name === "AbortError" ? error : unreachable();
  });
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

function unreachable() {
  const detail = "The connection failed before an answer came. Check the network, then try again.";
  return new Problem({ title: "The server cannot be reached", detail, retryable: true });
}

async function problemOf(answer) {
  const requestId = answer.headers.get("x-request-id") ?? "";
  const told = mediaType(answer) === "application/problem+json" ? await answer.json() : {};
  const title = `The server answered ${answer.status}`;
  return new Problem({ title, status: answer.status, instance: requestId, ...told });
}

const mediaType = (answer) => (answer.headers.get("content-type") ?? "").split(";")[0].trim();
