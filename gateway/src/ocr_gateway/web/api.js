// The calls of the OCR API.

export const ENDPOINT = new URL("v1/ocr", document.baseURI);
const STREAM = "application/x-ndjson";
const ONE_PAGE = new Set(["image/png", "image/jpeg", "image/bmp"]);

export class Problem extends Error {
  constructor({ title, detail = "", status = 0, retryable = false, instance = "" }) {
    super(title);
    Object.assign(this, { title, detail, status, retryable, requestId: instance });
  }
}

// Read a document. `onPage` is called with each of its pages, `onTotal` with their number where it is told
// beforehand. Gives the timings, and the answer as it came if that was JSON. What may have many pages is asked
// for as a stream of them.
export async function read(file, { onPage, onTotal, ...call }) {
  const accept = ONE_PAGE.has(file.type) ? "application/json" : `${STREAM}, application/json;q=0.9`;
  const answer = await post(file, { accept, ...call });
  if (mediaType(answer) === STREAM) return streamed(answer, { onPage, onTotal });
  const whole = await answer.blob();
  const document = JSON.parse(await whole.text());
  document.pages.forEach(onPage);
  return { timings: document.timings_ms, json: whole };
}

async function streamed(answer, { onPage, onTotal }) {
  for await (const { event, ...told } of events(answer.body)) {
    if (event === "meta") onTotal(told.pages);
    else if (event !== "end") onPage(told);
    else if (told.error) throw new Problem(told.error);
    else return { timings: told.timings_ms };
  }
  throw cutOff(answer);
}

// The JSON objects of a body, one a line.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let piece = await next(reader); !piece.done; piece = await next(reader)) {
    const lines = (rest + piece.value).split("\n");
    rest = lines.pop();
    yield* lines.map((line) => JSON.parse(line));
  }
}

// A connection that breaks looks like an end; that the last event is missing tells.
const next = (reader) => reader.read().catch(() => ({ done: true }));

function cutOff(answer) {
  const detail = "The connection ended before the last page came. What came is shown.";
  const instance = answer.headers.get("x-request-id") ?? "";
  return new Problem({ title: "The answer is not complete", detail, instance, retryable: true });
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
