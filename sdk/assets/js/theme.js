// Before the first paint: the chosen theme, and that scripts run.
(() => {
  const root = document.documentElement;
  root.dataset.script = "";
  if (self !== top) root.dataset.framed = "";
  let chosen = /(?:^|; )theme=(light|dark)/.exec(document.cookie)?.[1];
  try {
    chosen ??= localStorage.getItem("theme");
  } catch {
    // Storage may be forbidden; the system's theme serves.
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
