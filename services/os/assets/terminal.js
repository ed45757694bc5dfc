// The line that is typed on: its keys, its history, its completion.
const field = document.getElementById("typed");
const stop = document.getElementById("stop");
const where = document.getElementById("where");
const remembered = 200;

const past = (() => {
  try {
    return JSON.parse(localStorage.getItem("shell.history")) ?? [];
  } catch {
    return [];
  }
})();
let place = past.length;
let draft = "";

function remember(line) {
  if (past.at(-1) !== line) past.push(line);
  past.splice(0, past.length - remembered);
  place = past.length;
  try {
    localStorage.setItem("shell.history", JSON.stringify(past));
  } catch { /* no storage: the history lasts as long as the page */ }
}

function refuse(error) {
  if (error.name === "AbortError") return say("stopped", "quiet");
  print(tag("p", { class: "is-wrong" }, tag("b", { class: "bad" }, error.code ?? "FAULT"), ` ${error.message}`));
  const near = error.details?.nearest;
  if (typeof near === "string") print(tag("p", { class: "quiet" }, "nearest: ", tag("a", { href: href(near), "data-run": `cd ${quoted(near)}` }, near)));
}

async function run(line) {
  print(tag("p", {}, tag("span", { class: "prompt" }, `${cwd} $ `), line));
  shell.scrollTop = shell.scrollHeight;
  if (!line.trim()) return;
  remember(line);
  const [name, ...words] = split(line);
  const command = Object.hasOwn(commands, name) ? commands[name] : null;
  running = new AbortController();
  stop.hidden = false;
  shell.dataset.running = name;
  try {
    if (!command) throw new Refusal("UNKNOWN_COMMAND", `${name} is no command; help lists them`);
    await command.run(words, line);
  } catch (error) {
    refuse(error);
  } finally {
    running = null;
    stop.hidden = true;
    delete shell.dataset.running;
    where.textContent = cwd;
    shell.scrollTop = shell.scrollHeight;
  }
}

/** What may stand where the caret is. */
async function candidates(before) {
  const done = split(before);
  const begun = /(?:^|\s)$/.test(before) && !before.endsWith("\\ ") ? "" : done.pop();
  const [command, ...given] = done;
  const words = (list) => list.filter((word) => word.startsWith(begun)).map((word) => ({ word, end: " " }));
  const keys = Object.keys(services);
  if (command === undefined) return [begun, words(Object.keys(commands))];
  if (["call", "emit", "open"].includes(command) && !given.length) return [begun, words(keys)];
  if (command === "call" && given.length === 1) return [begun, words((await entries(`/${given[0]}/methods`)).map(({ name }) => name))];
  if (command === "tail" && given.length) return [begun, given.length === 1 ? words(["events", "logs"]) : []];
  if (command === "tail" && !begun.includes("/")) return [begun, words(keys)];
  if (!["ls", "cd", "cat", "tail"].includes(command)) return [begun, []];
  const folder = begun.slice(0, begun.lastIndexOf("/") + 1);
  const found = (await entries(resolve(folder || ".")))
    .filter(({ name, kind }) => name.startsWith(begun.slice(folder.length)) && (command !== "cd" || kind === "dir"))
    .map(({ name, kind }) => ({ word: folder + name, end: kind === "dir" ? "/" : " " }));
  return [begun, found];
}

async function complete() {
  const before = field.value.slice(0, field.selectionStart);
  const after = field.value.slice(field.selectionStart);
  const [begun, found] = await candidates(before);
  // What was typed meanwhile counts more.
  if (!found.length || field.value !== before + after) return;
  const common = found.map(({ word }) => word).reduce((one, two) => {
    let same = 0;
    while (same < one.length && one[same] === two[same]) same += 1;
    return one.slice(0, same);
  });
  const filled = quoted(common) + (found.length === 1 ? found[0].end : "");
  const head = before.slice(0, before.length - quoted(begun).length);
  field.value = head + filled + after;
  field.setSelectionRange((head + filled).length, (head + filled).length);
  if (found.length > 1 && common.length <= begun.length) {
    print(tag("p", { class: "quiet" }, found.slice(0, 60).map(({ word, end }) => word.slice(word.lastIndexOf("/") + 1) + end.trim()).join("  ")));
    if (found.length > 60) say(`and ${found.length - 60} more`, "quiet");
  }
}

function recall(step) {
  if (place === past.length) draft = field.value;
  place = Math.max(0, Math.min(past.length, place + step));
  field.value = past[place] ?? draft;
  field.setSelectionRange(field.value.length, field.value.length);
}

shell.addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  const bare = !ctrlKey && !metaKey && !altKey;
  // A selection is copied; without one, the key means what it means in every terminal.
  if (ctrlKey && key === "c" && getSelection().isCollapsed && field.selectionStart === field.selectionEnd) {
    if (running) running.abort();
    else if (field.value) {
      print(tag("p", {}, tag("span", { class: "prompt" }, `${cwd} $ `), field.value, "^C"));
      field.value = "";
    }
  } else if (ctrlKey && key === "l") printed.replaceChildren();
  else if (event.target !== field || !bare) return;
  else if (key === "Tab" && !shiftKey && field.value) complete();
  else if (key === "ArrowUp") recall(-1);
  else if (key === "ArrowDown") recall(1);
  else return;
  event.preventDefault();
});
shell.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) return;
  const line = field.value;
  field.value = "";
  run(line);
});
stop.addEventListener("click", () => {
  running?.abort();
  field.focus();
});
shell.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-run]");
  if (link && !running && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    run(link.dataset.run);
  }
  if (getSelection().isCollapsed && !event.target.closest("a")) field.focus({ preventScroll: true });
});
if (matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });
shell.dataset.ready = "";
