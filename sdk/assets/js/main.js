// Everything hangs on the document, so that parts which arrive later work as those that were there.
document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest?.(selector);
  if (on("[data-palette-open]")) openPalette();
  else if (on("[data-theme-switch]")) theme(1);
  else if (on("[data-copy]")) copy(on("[data-copy]"));
  else if (on("[data-live-pause]")) {
    const live = lives.get(on("[data-live]")?.dataset.live);
    live?.pause(!live.paused);
  }
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-action]")) return;
  event.preventDefault();
  act(event.target, event.submitter);
});
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  event.preventDefault();
  openPalette();
});
// In a window of the shell: its keys are pressed here, and it shows what stands here. Only the fleet's own pages may frame this one.
if (parent !== window) {
  parent.postMessage({ shell: "page", title: document.title, href: location.href }, "*");
  document.addEventListener("keydown", (event) => {
    const { code, altKey, shiftKey, target } = event;
    const leaves = code === "Escape" && !document.querySelector("dialog[open]") && !target.closest?.("input, textarea, select");
    if (event.defaultPrevented || !(leaves || code === "F6" || (altKey && /^Digit[1-9]$/.test(code)))) return;
    event.preventDefault();
    parent.postMessage({ shell: "key", code, altKey, shiftKey }, "*");
  });
}
for (const name of ["scroll", "pointerout", "focusout"]) {
  document.addEventListener(name, () => waiting.size && requestAnimationFrame(showReached), { capture: true, passive: true });
}

// A page that nobody sees holds no connection: browsers allow only a few for each host.
let asleep;
document.addEventListener("visibilitychange", () => {
  clearTimeout(asleep);
  if (document.hidden) asleep = setTimeout(() => lives.forEach((live) => live.close()), 30000);
  else lives.forEach((live) => live.source || live.open());
});
addEventListener("pagehide", () => lives.forEach((live) => live.close()));
addEventListener("pageshow", (event) => event.persisted && lives.forEach((live) => live.open()));

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of all(".palette-open kbd")) key.textContent = "⌘ K";
}
for (const tail of all("[data-tail=end]")) tail.scrollTop = tail.scrollHeight;
setInterval(() => {
  if (document.hidden) return;
  tellTimes();
  lives.forEach((live) => live.tick());
}, 1000);
theme(0);
tellTimes();
goLive();
