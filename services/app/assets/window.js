// A window: a bar with a title and three buttons, around a frame that shows a service's own page.
const desk = document.getElementById("desk");
const dock = document.getElementById("dock");
/** The windows by service, the one at the back first. */
const windows = new Map();
const narrow = matchMedia("(max-width: 719px)");

const paths = { away: "M3.5 11.5h9", size: "M3.5 3.5h9v9h-9z", close: "M4 4l8 8M12 4l-8 8" };

/** An element with attributes, properties of style where they begin with --, and children. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function button(name, path, action) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ class: "icon", width: 16, height: 16, viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round", "aria-hidden": "true" })) svg.setAttribute(key, value);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  const made = element("button", { class: "button is-quiet is-icon", type: "button", "aria-label": name, title: name }, svg);
  made.addEventListener("click", action);
  return made;
}

class Window {
  constructor(key, href, place) {
    this.key = key;
    this.href = href;
    this.title = "";
    this.name = element("b", {}, key);
    this.words = element("span", {}, "");
    this.handle = element("button", { class: "window-title", type: "button", "aria-describedby": "move-help" }, this.name, this.words);
    const size = button(`Fill the desk with ${key}`, paths.size, () => this.fill(!this.wide));
    size.classList.add("window-size");
    this.bar = element("header", { class: "window-bar" }, this.handle,
      button(`Put ${key} away`, paths.away, () => this.putAway()), size,
      button(`Close ${key}`, paths.close, () => this.close()));
    this.frame = element("iframe", { src: href, title: key });
    this.corner = element("div", { class: "window-corner", "aria-hidden": "true" });
    this.box = element("section", { class: "window", "aria-label": key, "data-window": key }, this.bar, element("div", { class: "window-body" }, this.frame), this.corner);
    this.place(place);
    this.fill(place.wide ?? false, false);
    this.away = place.away ?? false;
    desk.append(this.box);
    windows.set(key, this);
    this.box.addEventListener("pointerdown", () => this.front(false));
    letDrag(this);
  }

  /** Puts it somewhere, within the desk as it is now. */
  place({ x, y, w, h }) {
    const room = desk.getBoundingClientRect();
    this.w = Math.round(Math.min(Math.max(w, 240), Math.max(room.width, 240)));
    this.h = Math.round(Math.min(Math.max(h, 160), Math.max(room.height, 160)));
    // A bar that has left the desk could not be taken hold of again.
    this.x = Math.round(Math.min(Math.max(x, 120 - this.w), room.width - 120));
    this.y = Math.round(Math.min(Math.max(y, 0), Math.max(room.height - 40, 0)));
    for (const side of ["x", "y", "w", "h"]) this.box.style.setProperty(`--${side}`, `${this[side]}px`);
  }

  fill(wide, tell = true) {
    this.wide = wide;
    this.box.classList.toggle("is-wide", wide);
    if (tell) changed();
  }

  /** Brings it before the others. */
  front(focus = true) {
    this.away = false;
    windows.delete(this.key);
    windows.set(this.key, this);
    changed();
    if (focus) this.handle.focus();
  }

  putAway() {
    this.away = true;
    changed();
    focusFront();
  }

  close() {
    windows.delete(this.key);
    this.box.remove();
    changed();
    focusFront();
  }

  /** What it is, to be opened so again. */
  kept() {
    const { key, href, x, y, w, h, wide, away } = this;
    return { key, href, x, y, w, h, wide, away };
  }
}

/** The window that stands before the others, if any stands. */
const inFront = () => [...windows.values()].findLast((window) => !window.away);

function focusFront() {
  const front = inFront();
  if (front) front.handle.focus();
  else dock.querySelector("[data-home]").focus();
}
