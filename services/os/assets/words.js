// Words: how a line is read, and how what comes back is shown.
const shell = document.getElementById("shell");
const printed = document.getElementById("screen");
const services = JSON.parse(shell.dataset.services);

/** An element with children; text children are text. */
function tag(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== undefined && child !== ""));
  return element;
}

/** A line's words: spaces part them, quotes and a backslash hold them together. */
function split(line) {
  const words = [];
  for (const [, double, single, plain] of line.matchAll(/"((?:[^"\\]|\\.)*)"?|'([^']*)'?|((?:[^\s"'\\]|\\.?)+)/g)) {
    words.push(single ?? (double ?? plain).replace(/\\(.)/g, "$1"));
  }
  return words;
}

/** A word as it must be typed. */
const quoted = (word) => word.replace(/[\s"'\\]/g, "\\$&");

/** A path from where one stands: `.` and `..` lead about, as in every shell. */
function resolve(path = "") {
  const names = path.startsWith("/") ? [] : namesOf(cwd);
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== ".") names.push(name);
  }
  const slash = path.endsWith("/") && names.length > 1 ? "/" : "";
  return `/${names.join("/")}`.replace(/^\/+/, "/").replace(/(.)\/+$/, "$1") + slash;
}
const namesOf = (path) => path.split("/").filter((name) => name !== "");

const kinds = [
  [/^"(?:[^"\\]|\\.)*"(?=\s*:)/, "hl-t"], [/^"(?:[^"\\]|\\.)*"/, "hl-s"], [/^-?\d[\d.eE+-]*/, "hl-n"],
  [/^(?:true|false|null)\b/, "hl-k"], [/^[[\]{},:]+/, "hl-p"], [/^\s+/, ""],
];

/** JSON, laid out and coloured. */
function json(value, indent = 2) {
  const text = JSON.stringify(value, null, indent) ?? "null";
  const block = tag("div", { class: "json" });
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const [found, style] = kinds.map(([pattern, name]) => [pattern.exec(rest)?.[0], name]).find(([hit]) => hit) ?? [rest[0], ""];
    block.append(style ? tag("span", { class: style }, found) : found);
    at += found.length;
  }
  return block;
}

/** The most lines that are kept. */
const keep = 1500;

/** Adds to the screen; it stays at its end unless the reader has scrolled away. */
function print(...blocks) {
  const follows = shell.scrollHeight - shell.scrollTop - shell.clientHeight < 40;
  printed.append(...blocks);
  while (printed.childElementCount > keep) printed.firstElementChild.remove();
  if (follows) shell.scrollTop = shell.scrollHeight;
}
const say = (text, style = "") => print(tag("p", style ? { class: style } : {}, text));

/** Terms and what they are. */
function terms(rows) {
  const list = tag("dl", { class: "out" });
  for (const [term, ...words] of rows) list.append(tag("dt", {}, term), tag("dd", {}, ...words));
  print(list);
}
