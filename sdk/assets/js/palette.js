// The palette: where to go, by a few letters.
let palette;
let entries;
const mostShown = 50;

/** How well letters match a text, and where; nothing where they do not. */
function match(letters, text) {
  const lower = text.toLowerCase();
  const at = lower.indexOf(letters);
  if (at >= 0) {
    const starts = at === 0 || /[^a-z0-9]/.test(lower[at - 1]);
    return { score: 100 + (starts ? 50 : 0) - at - text.length / 100, from: [...letters].map((_, index) => at + index) };
  }
  const from = [];
  let score = 0;
  for (const letter of letters.replaceAll(" ", "")) {
    const next = lower.indexOf(letter, (from.at(-1) ?? -1) + 1);
    if (next < 0) return null;
    score += next === (from.at(-1) ?? -2) + 1 ? 6 : /[^a-z0-9]/.test(lower[next - 1] ?? " ") ? 5 : 0;
    score -= Math.min(3, next - (from.at(-1) ?? -1) - 1) / 2;
    from.push(next);
  }
  return score > 0 ? { score, from } : null;
}

/** The entries that match, the best first. */
function ranked(letters) {
  if (!letters) return entries.map((entry) => ({ entry, from: [] }));
  return entries
    .flatMap((entry) => {
      const title = match(letters, entry.title);
      const other = title ? null : match(letters, `${entry.group ?? ""} ${entry.hint ?? ""}`);
      return title ? [{ entry, ...title }] : other ? [{ entry, score: other.score / 3, from: [] }] : [];
    })
    .sort((one, two) => two.score - one.score);
}

/** A text with its matching letters marked. */
function marked(text, from) {
  const places = new Set(from);
  return [...text].map((letter, index) => (places.has(index) ? make("mark", {}, letter) : letter));
}

function showEntries() {
  const { input, list } = palette;
  const letters = input.value.trim().toLowerCase();
  const found = ranked(letters);
  list.replaceChildren();
  let group;
  found.slice(0, mostShown).forEach(({ entry, from }, index) => {
    if (!letters && entry.group !== group) {
      group = entry.group;
      if (group) list.append(make("div", { class: "palette-group", role: "presentation" }, group));
    }
    const item = make("div", { class: "palette-item", role: "option", id: `palette-${index}`, "aria-selected": "false" },
      make("span", {}, ...marked(entry.title, from)), make("span", {}, entry.hint ?? entry.group ?? ""));
    item.dataset.href = entry.href;
    list.append(item);
  });
  if (found.length > mostShown) {
    list.append(make("div", { class: "palette-none", role: "presentation" }, `${found.length - mostShown} more: type on.`));
  }
  if (!found.length) list.append(make("div", { class: "palette-none", role: "presentation" }, "Nothing by that name."));
  select(0);
}

function select(index) {
  const items = all("[role=option]", palette.list);
  palette.at = items.length ? (index + items.length) % items.length : 0;
  items.forEach((item, at) => item.setAttribute("aria-selected", at === palette.at));
  const chosen = items[palette.at];
  if (chosen) {
    palette.input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  } else {
    palette.input.removeAttribute("aria-activedescendant");
  }
}

function follow(item, elsewhere) {
  if (!item) return;
  const asked = new CustomEvent("go", { cancelable: true, detail: item.dataset.href });
  if (elsewhere) open(item.dataset.href, "_blank", "noopener");
  else if (document.dispatchEvent(asked)) location.assign(item.dataset.href);
  palette.dialog.close();
}

function buildPalette() {
  const input = make("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
    "aria-label": "Find a service, method, job or document", placeholder: "Find a service, method, job or document",
    autocomplete: "off", spellcheck: "false",
  });
  const list = make("div", { class: "palette-list", id: "palette-list", role: "listbox", "aria-label": "Found" });
  const foot = make("div", { class: "palette-foot", "aria-hidden": "true" }, make("span", {}, "↑ ↓ choose"), make("span", {}, "Enter open"), make("span", {}, "Esc close"));
  const dialog = make("dialog", { class: "palette", "aria-label": "Find" }, make("div", { class: "palette-field" }, input), list, foot);
  document.body.append(dialog);
  palette = { dialog, input, list, at: 0 };
  input.addEventListener("input", () => entries && showEntries());
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) select(palette.at + step);
    else if (event.key === "Enter") follow(all("[role=option]", list)[palette.at], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => follow(event.target.closest("[role=option]"), event.ctrlKey || event.metaKey));
  // The ground beside it closes it, as readers expect.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => palette.back?.focus());
}

async function openPalette() {
  if (!palette) buildPalette();
  if (palette.dialog.open) return palette.dialog.close();
  palette.back = document.activeElement;
  palette.input.value = "";
  palette.dialog.showModal();
  palette.input.focus();
  if (entries) return showEntries();
  const slow = setTimeout(() => palette.list.replaceChildren(make("div", { class: "palette-none" }, "Loading…")), 300);
  try {
    const response = await fetch(document.documentElement.dataset.palette, { headers: { accept: "application/json" } });
    if (!response.ok) throw new Error(response.status);
    entries = await response.json();
    showEntries();
  } catch {
    palette.list.replaceChildren(make("div", { class: "palette-none", role: "alert" }, "The list of places could not be loaded. Close this and try again."));
  } finally {
    clearTimeout(slow);
  }
}
