// Live parts: one stream for each URL; a message is named for the element it renews, or `{id}:add` for rows to add.
const lives = new Map();
const longestWait = 30000;
const mostHeld = 1000;

class Live {
  held = new Map();
  added = [];
  paused = false;
  wait = 1000;

  constructor(url) {
    this.url = url;
    this.open();
  }

  roots() {
    return all("[data-live]").filter((root) => root.dataset.live === this.url);
  }

  open() {
    clearTimeout(this.timer);
    const url = new URL(this.url, location.href);
    if (this.last) url.searchParams.set("lastEventId", this.last);
    this.source = new EventSource(url);
    this.known = new Set();
    this.heard = Date.now();
    this.source.onopen = () => {
      this.wait = 1000;
      this.retryAt = 0;
      this.show();
    };
    this.source.onerror = () => this.lost();
    this.source.onmessage = (event) => this.hear("", event);
    this.source.addEventListener("beat", () => (this.heard = Date.now()));
    this.listen();
  }

  /** Hears of every element that has an id by now. */
  listen() {
    for (const root of this.roots()) {
      for (const { id } of [root, ...all("[id]", root)]) {
        if (!id || this.known.has(id)) continue;
        this.known.add(id);
        this.source?.addEventListener(id, (event) => this.hear(id, event));
        this.source?.addEventListener(`${id}:add`, (event) => this.hear(id, event, true));
      }
    }
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  lost() {
    this.close();
    this.retryAt = Date.now() + this.wait;
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, longestWait);
    this.show();
  }

  hear(id, event, adds = false) {
    this.heard = Date.now();
    if (event.lastEventId) this.last = event.lastEventId;
    if (!this.paused) {
      this.apply(id, event.data, adds);
    } else if (adds) {
      this.added.push([id, event.data]);
      if (this.added.length > mostHeld) this.added.shift();
    } else {
      this.held.set(id || event.data, [id, event.data]);
    }
    this.show();
  }

  apply(id, markup, adds) {
    if (adds) addRows(id, markup);
    else replaceById(markup, id);
    this.listen();
    for (const time of all("[data-live-updated] time")) {
      time.dateTime = new Date().toISOString();
      time.title = time.dateTime;
    }
    tellTimes();
  }

  pause(paused) {
    this.paused = paused;
    if (!paused) {
      for (const [id, markup] of this.held.values()) this.apply(id, markup, false);
      for (const [id, markup] of this.added) this.apply(id, markup, true);
      this.held.clear();
      this.added = [];
    }
    this.show();
    announce(paused ? "Live updates paused" : "Live updates on");
  }

  /** Says how it stands: live, paused with what waits, or without connection until when. */
  show() {
    const waiting = this.added.length || this.held.size;
    const seconds = Math.max(0, Math.ceil((this.retryAt - Date.now()) / 1000));
    const now = this.retryAt ? "stale" : this.paused ? "paused" : "live";
    const words =
      now === "stale" ? `no connection, ${seconds ? `again in ${seconds} s` : "trying"}`
      : now === "paused" && waiting ? `paused, ${waiting} new`
      : now;
    for (const root of this.roots()) {
      if (root.dataset.liveNow !== now && (now === "stale" || root.dataset.liveNow === "stale")) announce(words);
      root.dataset.liveNow = now;
      for (const state of all("[data-live-state]", root)) if (state.textContent !== words) state.textContent = words;
      for (const button of all("[data-live-pause]", root)) {
        button.setAttribute("aria-pressed", this.paused);
        button.setAttribute("aria-label", button.title = this.paused ? "Resume live updates" : "Pause live updates");
      }
    }
  }

  /** Once a second: the countdown, and whether a promised beat has stopped. */
  tick() {
    const beat = Math.min(...this.roots().map((root) => Number(root.dataset.liveBeat) || Infinity)) * 2500;
    if (this.source && Date.now() - this.heard > beat) this.lost();
    else if (this.retryAt) this.show();
  }
}

/** Opens the streams of what is in the page now, and closes those of what has left it. */
function goLive() {
  const wanted = new Set(all("[data-live]").map((root) => root.dataset.live));
  for (const [url, live] of lives) {
    if (wanted.has(url)) continue;
    live.close();
    lives.delete(url);
  }
  for (const url of wanted) if (!lives.has(url)) lives.set(url, new Live(url));
}

// Rows that wait for the reader to come back to the end of a list that grows.
const waiting = new Map();

/** Whether adding rows would move what the reader looks at. */
function isAway(box) {
  const scrolls = box.scrollHeight > box.clientHeight + 1 && getComputedStyle(box).overflowY !== "visible";
  if (box.dataset.tail === "start") {
    return box.matches(":hover, :focus-visible") || box.querySelector(":focus-visible") || (scrolls ? box.scrollTop > 4 : box.getBoundingClientRect().top < 0);
  }
  return scrolls && box.scrollHeight - box.scrollTop - box.clientHeight > 24;
}

function addRows(id, markup) {
  const list = document.getElementById(id);
  if (!list) return;
  const box = list.closest("[data-tail]") ?? list;
  const rows = [...parse(markup).children];
  const held = waiting.get(box);
  if (held || isAway(box)) {
    const hold = held ?? newRows(box, list);
    hold.rows = [...hold.rows, ...rows].slice(-mostHeld);
    hold.count += rows.length;
    hold.button.textContent = `${hold.count} new`;
  } else {
    insertRows(box, list, rows);
  }
}

function insertRows(box, list, rows) {
  const most = Number(box.dataset.tailMost) || 500;
  const atStart = box.dataset.tail === "start";
  for (const row of rows) {
    const key = keyOf(row);
    const same = key && [...list.children].find((child) => keyOf(child) === key);
    if (same) {
      morph(same, row);
      continue;
    }
    row.classList.add("is-new");
    if (atStart) list.prepend(row);
    else list.append(row);
  }
  while (list.children.length > most) (atStart ? list.lastElementChild : list.firstElementChild).remove();
  if (!atStart) box.scrollTop = box.scrollHeight;
  tellTimes(list);
}

/** The "12 new" beside a list, which brings the reader back to its end. */
function newRows(box, list) {
  const atStart = box.dataset.tail === "start";
  const button = make("button", { class: "button is-small", type: "button" });
  const place = make("div", { class: `tail-new${atStart ? " is-start" : ""}` }, button);
  const hold = { list, rows: [], count: 0, button, place };
  button.addEventListener("click", () => {
    showRows(box);
    if (!atStart) return;
    box.scrollTop = 0;
    if (box.getBoundingClientRect().top < 64) box.scrollIntoView({ block: "center" });
  });
  if (atStart) box.before(place);
  else box.after(place);
  waiting.set(box, hold);
  return hold;
}

function showRows(box) {
  const hold = waiting.get(box);
  waiting.delete(box);
  hold.place.remove();
  if (box.isConnected) insertRows(box, hold.list, hold.rows);
}

/** Shows waiting rows where the reader has come back by scrolling or has taken the pointer away. */
function showReached() {
  for (const box of [...waiting.keys()]) if (!isAway(box)) showRows(box);
}
