/** A form's values as JSON: names are members, `data-type` of a field says what its text is. */
function valuesOf(form, submitter) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || (field.type === "submit" && field !== submitter)) continue;
    if (field.type === "checkbox") {
      values[field.name] = field.checked;
    } else if (field.type !== "radio" || field.checked) {
      const text = field.value;
      if (field.dataset.type && text.trim() === "") continue;
      values[field.name] =
        field.dataset.type === "number" ? Number(text) : field.dataset.type === "json" ? JSON.parse(text) : text;
    }
  }
  return values;
}

/** Asks before what cannot be undone. */
function confirmed(question, verb) {
  const no = make("button", { class: "button", value: "" }, "Keep it as it is");
  const yes = make("button", { class: "button is-bad", value: "yes" }, verb);
  const form = make("form", { method: "dialog" }, make("p", { id: "question" }, question), make("div", { class: "tools" }, no, yes));
  const dialog = make("dialog", { class: "question", "aria-labelledby": "question" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
  });
}

/** Says that a page of this service sends it, where somebody is signed in. */
function meant() {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  return token ? { "x-csrf-token": token } : {};
}

/** Sends a `data-action` form, shows that it is under way, and says how it ended. */
async function act(form, submitter) {
  const button = submitter ?? form.querySelector("button");
  if (button?.ariaBusy === "true") return;
  if (form.dataset.confirm && !(await confirmed(form.dataset.confirm, button?.textContent.trim() || "Go on"))) return;
  // Read now: the answer may make another form of this one.
  const { done, then } = form.dataset;
  const method = (form.dataset.method ?? form.getAttribute("method") ?? "post").toUpperCase();
  const output = form.dataset.output && document.getElementById(form.dataset.output);
  button?.setAttribute("aria-busy", "true");
  try {
    // `data-field` sends one field's JSON as the whole body, such as an RPC's parameters.
    const values = valuesOf(form, submitter);
    const body = form.dataset.field ? values[form.dataset.field] ?? null : values;
    const plain = method === "GET" || method === "DELETE";
    const response = await fetch(form.getAttribute("action"), {
      method,
      headers: { accept: "application/json, text/html", ...meant(), ...(plain ? {} : { "content-type": "application/json" }) },
      body: plain ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    const json = type.includes("json") && text ? JSON.parse(text) : null;
    if (output) output.textContent = json === null ? text : JSON.stringify(json, null, 2);
    if (response.status === 401) {
      toast("You are signed out. Open this page anew to sign in; nothing was changed.", "bad");
      return;
    }
    if (!response.ok) {
      toast(json?.error?.message ?? `The service answered ${response.status}.`, "bad", json?.error?.code ?? "");
      return;
    }
    if (type.includes("html")) replaceById(text);
    if (done) toast(done, "good");
    form.dispatchEvent(new CustomEvent("done", { bubbles: true, detail: json }));
    if (then) location.assign(then);
  } catch (error) {
    toast(error instanceof SyntaxError ? `That is no JSON: ${error.message}.` : "The service could not be reached. Nothing is known to have changed.", "bad");
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** Copies the code beside a copy button, or what `data-copy` selects. */
async function copy(button) {
  const from = button.dataset.copy ? document.querySelector(button.dataset.copy) : button.closest("[data-copy-scope]")?.querySelector("code");
  try {
    await navigator.clipboard.writeText(from.innerText);
    toast("Copied.", "good");
  } catch {
    // The clipboard may be refused; selecting it leaves one key to press.
    getSelection().selectAllChildren(from);
    toast("Selected: copy it with Ctrl C or ⌘ C.");
  }
}

const themes = ["system", "light", "dark"];

/** Shows which theme is chosen, and chooses the next where asked. */
function theme(step) {
  const root = document.documentElement;
  const chosen = themes[(themes.indexOf(root.dataset.theme ?? "system") + step) % themes.length];
  if (step) {
    if (chosen === "system") delete root.dataset.theme;
    else root.dataset.theme = chosen;
    const lasting = chosen === "system" ? "; max-age=0" : "; max-age=31536000";
    // The services of a fleet are sites of one domain, and one choice serves all.
    const domain = location.hostname.split(".").slice(1).join(".");
    document.cookie = `theme=${chosen}; path=/; samesite=lax${lasting}${domain ? `; domain=${domain}` : ""}`;
    try {
      if (chosen === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", chosen);
    } catch {
      // Storage may be forbidden; the choice lasts as long as the page.
    }
  }
  for (const button of all("[data-theme-switch]")) {
    button.title = `Theme: ${chosen === "system" ? "as the system" : chosen}`;
    button.ariaLabel = button.title;
  }
}
