/** The server's API. */

const given = new URLSearchParams(location.search).get("token");
if (given) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}
const token = sessionStorage.getItem("token");

/** A refusal of the server, with its line and, if it is about one, the field of the question; `status` 0 where it did not answer. */
export class ApiError extends Error {
  constructor(status, message, field) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

async function send(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(`api/${path}`, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer. Is `circumplex serve` still running?");
  }
  if (answer.ok) return answer;
  const refusal = await answer.json().catch(() => ({}));
  throw new ApiError(answer.status, refusal.error ?? `The server answered ${answer.status} ${answer.statusText}.`, refusal.field);
}

/** Read JSON. */
export const get = async (path) => (await send(path)).json();

/** Send JSON, read JSON. */
export const post = async (path, body) => (await postRaw(path, body)).json();

/** Send JSON, take the answer as it is. */
export const postRaw = (path, body) => send(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** Send a picture, read the faces in it. */
export const postPicture = async (blob, signal) => (await send("face", { method: "POST", headers: { "Content-Type": blob.type }, body: blob, signal })).json();

/** An address for what the browser fetches itself: audio, events. */
export function address(path) {
  if (!token) return `api/${path}`;
  return `api/${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
}

/**
 * Call `changed` with the generation when the library changes on the disk, `missing` with the number of songs whose file is gone,
 * and `connected` with whether the server answers.
 */
export function watch(listeners) {
  const source = new EventSource(address("events"));
  source.addEventListener("open", () => listeners.connected(true));
  source.addEventListener("library", (event) => listeners.changed(JSON.parse(event.data).generation));
  source.addEventListener("missing", (event) => listeners.missing(JSON.parse(event.data).missing));
  source.addEventListener("error", () => {
    listeners.connected(false);
    // The browser tries again by itself, unless it has given up.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => watch(listeners), 3000);
  });
}
