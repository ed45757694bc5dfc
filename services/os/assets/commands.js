// What can be typed.
let cwd = "/";
let running = null;
let onward = null;

const href = (path) => `/fs${namesOf(path).map((name) => `/${encodeURIComponent(name)}`).join("")}`;
const below = (path, name) => (path === "/" ? `/${name}` : `${path.replace(/\/$/, "")}/${name}`);

function show(node) {
  onward = node.cursor ? { path: node.path, cursor: node.cursor } : null;
  if (!node.entries.length && !node.cursor) return say("nothing is here yet", "quiet");
  terms(node.entries.map(({ name, kind, hint }) => {
    const place = below(node.path, name);
    const run = `${kind === "dir" ? "cd" : "cat"} ${quoted(place)}`;
    return [tag("a", { href: href(place), "data-run": run }, kind === "dir" ? tag("b", {}, `${name}/`) : name), hint ?? ""];
  }));
  if (node.cursor) say("there is more: type more", "warn");
}

/** The two words and the JSON that `call` and `emit` take. */
function three(line, usage) {
  const [, service, name, text] = /^\s*\S+\s+(\S+)\s+(\S+)\s*([\s\S]*)$/.exec(line) ?? [];
  if (!service) throw new Refusal("USAGE", usage);
  if (!text.trim()) return [service, name];
  try {
    // As in a shell, quotes around the whole are the shell's own.
    return [service, name, JSON.parse(text.trim().replace(/^'([\s\S]*)'$/, "$1"))];
  } catch (error) {
    throw new Refusal("INVALID_JSON", `what follows ${name} is no JSON: ${error.message}`);
  }
}

const tones = { debug: "quiet", warn: "warn", error: "bad", fatal: "bad" };
const marks = { healthy: ["●", "good"], degraded: ["◐", "warn"], unhealthy: ["○", "bad"] };

function age(seconds) {
  const [size, unit] = seconds < 60 ? [seconds, "s"] : seconds < 3600 ? [seconds / 60, "min"] : seconds < 172800 ? [seconds / 3600, "h"] : [seconds / 86400, "d"];
  return `${Math.floor(size)} ${unit}`;
}

const commands = {
  ls: {
    usage: "ls [PATH]", says: "what a directory holds",
    async run([path]) {
      const node = await at(resolve(path));
      if (node.kind === "dir") show(node);
      else say(node.path);
    },
  },
  more: {
    usage: "more", says: "the rest of a long directory",
    async run() {
      if (!onward) return say("that was all of it", "quiet");
      show(await at(onward.path, { cursor: onward.cursor }));
    },
  },
  cd: {
    usage: "cd [PATH]", says: "go to a directory",
    async run([path]) {
      const to = resolve(path ?? "/");
      const node = await at(to === "/" ? to : `${to.replace(/\/$/, "")}/`);
      if (node.kind !== "dir") throw new Refusal("NOT_A_DIRECTORY", `${node.path} is a file; cat ${node.path} reads it`);
      cwd = node.path;
    },
  },
  pwd: { usage: "pwd", says: "where you are", async run() { say(cwd); } },
  cat: {
    usage: "cat PATH…", says: "what a file holds",
    async run(paths) {
      if (!paths.length) throw new Refusal("USAGE", commands.cat.usage);
      for (const path of paths) {
        const node = await at(resolve(path));
        if (node.kind === "dir") throw new Refusal("IS_A_DIRECTORY", `${node.path} is a directory; ls ${node.path} lists it`);
        print(node.contentType === "text/plain" ? tag("div", { class: "json" }, node.value) : json(node.value));
      }
    },
  },
  tail: {
    usage: "tail SERVICE [events|logs] [NAME]", says: "events or log lines as they come; Ctrl-C ends it",
    async run([first = "", ...others]) {
      const place = first.includes("/") || !(first in services) ? namesOf(resolve(first)) : [first];
      const [service, what = "events", only] = [...place, ...others];
      if (!service) throw new Refusal("USAGE", commands.tail.usage);
      const query = what === "logs" ? { limit: 10, ...(only && { level: only }) } : only ? { event: only } : {};
      say(`following the ${what} of ${service}; Ctrl-C ends it`, "quiet");
      for await (const message of messages(service, what, query, running.signal)) {
        const time = tag("span", { class: "quiet" }, `${message.timestamp.slice(11, 23)} `);
        print(what === "logs"
          ? tag("p", {}, time, tag("span", { class: tones[message.level] ?? "" }, message.level.padEnd(5)), ` ${message.message}`)
          : tag("div", { class: "json", "data-event": message.event }, time, tag("b", {}, message.event), " ", ...json(message.data ?? null, 0).childNodes));
      }
    },
  },
  call: {
    usage: "call SERVICE METHOD [JSON]", says: "call a method",
    async run(_, line) {
      const [service, method, params] = three(line, commands.call.usage);
      print(json((await send("/v1/shell/call", { service, method, params })).result));
    },
  },
  emit: {
    usage: "emit SERVICE EVENT [JSON]", says: "emit an event",
    async run(_, line) {
      const [service, event, data] = three(line, commands.emit.usage);
      print(json(await send("/v1/shell/emit", { service, event, data })));
    },
  },
  ps: {
    usage: "ps", says: "what runs",
    async run() {
      const { services: all } = await ask("/v1/shell/ps", { signal: running.signal });
      terms(all.map(({ key, status, version, pid, uptime, reason }) => {
        const [shape, tone] = marks[status] ?? ["○", "bad"];
        const words = status ? `${status}, ${version}, pid ${pid}, up ${age(uptime)}` : reason;
        return [tag("span", {}, tag("span", { class: tone }, `${shape} `), key), words];
      }));
    },
  },
  open: {
    usage: "open SERVICE", says: "a service's page, in a tab of its own",
    async run([service]) {
      if (!services[service]) throw new Refusal("UNKNOWN_SERVICE", `there is ${Object.keys(services).join(", ")}`);
      open(services[service], "_blank", "noopener");
    },
  },
  history: { usage: "history", says: "what you typed before", async run() { past.forEach((line, index) => say(`${String(index + 1).padStart(4)}  ${line}`)); } },
  clear: { usage: "clear", says: "an empty screen", async run() { printed.replaceChildren(); } },
  help: { usage: "help", says: "this list", async run() { terms(Object.values(commands).map(({ usage, says }) => [usage, says])); } },
};
