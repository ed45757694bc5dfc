// The fleet: what the os service is asked.

/** A refusal, with its code and its sentence. */
class Refusal extends Error {
  constructor(code, sentence, details) {
    super(sentence);
    Object.assign(this, { code, details });
  }
}

/** JSON of a path of this service. */
async function ask(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { ...options, headers: { accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("UNREACHABLE", "the os service cannot be reached; is the fleet up?");
  }
  if (!response.ok) {
    const { error } = await response.json().catch(() => ({}));
    throw new Refusal(error?.code ?? `HTTP ${response.status}`, error?.message ?? "it did not say why", error?.details);
  }
  return options.stream ? response : response.json();
}
/** What says that this page sends it, where somebody is signed in. */
const meant = () => {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  return token ? { "x-csrf-token": token } : {};
};
const send = (url, body) => ask(url, { method: "POST", headers: meant(), body: JSON.stringify(body), signal: running?.signal });

/** A place of the tree. The path goes in the query, since a URL cannot hold every name. */
const at = (path, more = {}) => ask(`/v1/fs?${new URLSearchParams({ path, ...more })}`, { signal: running?.signal });

/** Names of a directory for completion; none where it cannot be read. */
async function entries(path) {
  try {
    return (await at(path, { limit: 1000 })).entries ?? [];
  } catch {
    return [];
  }
}

/** The messages of a stream of a service, for as long as it lasts; resumes where it broke off. */
async function* messages(service, what, query, signal) {
  let last = "";
  for (let wait = 1; !signal.aborted;) {
    try {
      const headers = last ? { "last-event-id": last } : {};
      const response = await ask(`/v1/tail/${encodeURIComponent(service)}/${what}?${new URLSearchParams(query)}`, { headers, signal, stream: true });
      let text = "";
      for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
        const { value, done } = await reader.read();
        if (done) break;
        wait = 1;
        text += value;
        const parts = text.split(/\r?\n\r?\n/);
        text = parts.pop();
        for (const part of parts) {
          const data = [];
          for (const line of part.split(/\r?\n/)) {
            if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
            else if (line.startsWith("id:")) last = line.slice(3).trim();
          }
          if (data.length) yield JSON.parse(data.join("\n"));
        }
      }
    } catch (error) {
      // What was refused for good is refused again; what broke off may mend.
      if (error.name === "AbortError" || (error instanceof Refusal && !/UNREACHABLE|UNAVAILABLE|OVERLOADED|^HTTP 5/.test(error.code))) throw error;
    }
    if (signal.aborted) return;
    say(`the stream broke off; again in ${wait} s`, "quiet");
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait * 1000);
      signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
    if (query.limit) query = { ...query, limit: 0 };
    wait = Math.min(30, wait * 2);
  }
}
