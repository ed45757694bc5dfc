// The desk: what is open, in which order, by which keys, and as it was the last time.
const store = "shell-layout";
const programs = [...dock.querySelectorAll("[data-dock]")];

document.body.append(element("p", { hidden: "", id: "move-help" }, "Arrow keys move this window, with Shift they size it."));

/** Opens a service's window or brings it forward; a URL given leads that window there. */
function openWindow(key, href) {
  const chip = programs.find((program) => program.dataset.dock === key);
  if (!chip) return;
  const there = windows.get(key);
  if (there) {
    if (href) there.frame.src = there.href = href;
    return there.front();
  }
  const room = desk.getBoundingClientRect();
  const back = windows.size * 28;
  const place = { x: 24 + back, y: 24 + back, w: room.width * 0.62, h: room.height * 0.74 };
  new Window(key, href ?? chip.dataset.href, place).front();
}

/** Shows what has changed, and remembers it. */
function changed() {
  const front = inFront();
  let z = 1;
  for (const window of windows.values()) {
    window.box.style.setProperty("--z", z++);
    window.box.classList.toggle("is-front", window === front);
    window.box.classList.toggle("is-away", window.away);
  }
  for (const chip of programs) {
    const window = windows.get(chip.dataset.dock);
    chip.classList.toggle("is-open", Boolean(window));
    chip.setAttribute("aria-pressed", Boolean(window) && window === front);
  }
  dock.querySelector("[data-home]").setAttribute("aria-pressed", !front);
  if (front) desk.scrollTop = 0;
  // What no window covers is reached by Tab; behind one that fills the screen it is not.
  desk.querySelector(".launch").inert = Boolean(front) && (front.wide || narrow.matches);
  try {
    localStorage.setItem(store, JSON.stringify([...windows.values()].map((window) => window.kept())));
  } catch {
    // Storage may be forbidden; the desk lasts as long as the page.
  }
}

/** Opens what was open, where it still is one of the fleet's. */
function restore() {
  let kept = [];
  try {
    kept = JSON.parse(localStorage.getItem(store)) ?? [];
  } catch {
    return;
  }
  for (const one of kept) {
    const chip = programs.find((program) => program.dataset.dock === one.key);
    if (chip) new Window(one.key, programOf(one.href) ? one.href : chip.dataset.href, one);
  }
  changed();
}

/** The program whose service a URL belongs to. Only those are framed. */
function programOf(href) {
  const origin = URL.canParse(href) && new URL(href).origin;
  return programs.find((program) => new URL(program.dataset.homeOf).origin === origin);
}

/** A key of the shell's, pressed here or in a window. */
function press({ code, altKey, shiftKey }) {
  const digit = altKey && /^Digit([1-9])$/.exec(code);
  if (digit) {
    const chip = programs[digit[1] - 1];
    if (chip) openWindow(chip.dataset.dock);
    return Boolean(chip);
  }
  const shown = [...windows.values()].filter((window) => !window.away);
  if (code === "F6" && shown.length) {
    if (shiftKey) {
      // The one in front goes behind all others.
      const last = shown.at(-1);
      const rest = [...windows.values()].filter((window) => window !== last);
      windows.clear();
      for (const window of [last, ...rest]) windows.set(window.key, window);
      (inFront() ?? last).front();
    } else {
      shown[0].front();
    }
    return true;
  }
  if (code === "Escape" && inFront()) {
    inFront().close();
    return true;
  }
  return false;
}

desk.addEventListener("click", (event) => {
  const link = event.target.closest("[data-program]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openWindow(link.dataset.program);
});
dock.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-dock]");
  if (chip) {
    const there = windows.get(chip.dataset.dock);
    if (there && there === inFront()) there.putAway();
    else openWindow(chip.dataset.dock);
  } else if (event.target.closest("[data-home]")) {
    for (const window of windows.values()) window.away = true;
    changed();
    desk.querySelector("[data-program]").focus();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.code === "Escape" && !event.target.closest(".window")) return;
  if (press(event)) event.preventDefault();
});
// What is chosen in the palette opens in the window of its service.
document.addEventListener("go", (event) => {
  const url = new URL(event.detail, location.href);
  const chip = programOf(url.href);
  if (!chip) return;
  event.preventDefault();
  // The palette gives the focus back when it closes; the window takes it after that.
  const begins = url.href === chip.dataset.homeOf;
  setTimeout(() => openWindow(chip.dataset.dock, begins ? undefined : url.href));
});
addEventListener("message", ({ source, data }) => {
  const window = [...windows.values()].find((one) => one.frame.contentWindow === source);
  if (!window) return;
  if (data?.shell === "key") return void press(data);
  if (data?.shell !== "page" || !programOf(data.href)) return;
  window.href = data.href;
  window.words.textContent = String(data.title).split(" · ")[0];
  window.frame.title = `${window.key}: ${window.words.textContent}`;
  changed();
});
// A frame that takes the focus takes it from this document: its window comes forward.
addEventListener("blur", () => {
  const window = [...windows.values()].find((one) => one.frame === document.activeElement);
  if (window && window !== inFront()) window.front(false);
});
addEventListener("resize", () => {
  for (const window of windows.values()) window.place(window);
});
restore();
