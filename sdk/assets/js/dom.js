const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** An element with attributes and children; text children are text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A copy of an icon that the page has, or nothing. */
const cross = () => {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of Object.entries({
    class: "icon", width: 16, height: 16, viewBox: "0 0 16 16", fill: "none", stroke: "currentColor",
    "stroke-width": 1.5, "stroke-linecap": "round", "aria-hidden": "true",
  })) icon.setAttribute(name, value);
  path.setAttribute("d", "M4 4l8 8M12 4l-8 8");
  icon.append(path);
  return icon;
};

const speaker = make("div", { class: "quiet-text", role: "status" });
const toasts = make("div", { class: "toasts", role: "region", "aria-label": "Messages" });
document.body.append(speaker, toasts);

/** Tells screen readers. */
function announce(words) {
  speaker.textContent = words;
}

/** Shows a message: what went well leaves by itself, what failed stays until it is closed. */
function toast(words, tone = "neutral", id = "") {
  const text = make("p", {}, words);
  if (id) text.append(" ", make("span", { class: "id" }, id));
  const close = make("button", { class: "button is-quiet is-icon", type: "button", "aria-label": "Close" }, cross());
  const message = make("div", { class: `toast tone-${tone}` }, text, close);
  close.addEventListener("click", () => message.remove());
  toasts.append(message);
  while (toasts.children.length > 4) toasts.firstElementChild.remove();
  announce(words);
  if (tone !== "bad") setTimeout(() => message.remove(), 6000);
}
