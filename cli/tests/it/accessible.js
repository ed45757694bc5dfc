// What a page lacks for people who do not see it, do not see it well, or do not point: a list of sentences.
(() => {
  const faults = [];
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const name = (element) => element.outerHTML.slice(0, 140).replace(/\s+/g, " ");

  const accessibleName = (element) => {
    const by = element.getAttribute("aria-labelledby");
    if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    if (element.getAttribute("aria-label")) return element.getAttribute("aria-label").trim();
    if (element.labels?.length) return [...element.labels].map((label) => label.textContent).join(" ").trim();
    return element.textContent.trim() || element.getAttribute("title") || "";
  };
  for (const control of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=option], [role=img]")) {
    if (shown(control) && !accessibleName(control)) faults.push(`no name: ${name(control)}`);
  }
  for (const picture of document.querySelectorAll("img, svg")) {
    const silent = picture.closest("[aria-hidden=true]");
    const named = picture.getAttribute("aria-label") || picture.getAttribute("alt") !== null || picture.querySelector(":scope > title");
    if (!silent && !named) faults.push(`a picture without words: ${name(picture)}`);
  }

  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const next = Number(heading.localName[1]);
    if (next > level + 1) faults.push(`h${next} follows h${level}: ${name(heading)}`);
    level = next;
  }
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title) faults.push("no title");
  for (const landmark of ["main", "header", "footer", "nav[aria-label]"]) {
    if (!document.querySelector(landmark)) faults.push(`no ${landmark}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) faults.push(`the id ${id} twice`);

  // A pointer needs 24 px, save for links in running text.
  for (const control of document.querySelectorAll("button, input:not([type=checkbox]):not([type=radio]), select, .fleet a, .tabs a, .side a, summary")) {
    const box = control.getBoundingClientRect();
    if (shown(control) && (box.width < 24 || box.height < 24)) faults.push(`${box.width}×${box.height} px: ${name(control)}`);
  }
  for (const box of document.querySelectorAll("*")) {
    const style = getComputedStyle(box);
    const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY) && (box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1);
    if (scrolls && shown(box) && box !== document.documentElement && box.tabIndex < 0 && !box.matches("[role=listbox]") && !box.querySelector("a[href], button, input, [tabindex='0']")) {
      faults.push(`scrolls and has no way in by keyboard: ${name(box)}`);
    }
  }

  // Contrast of text with what is behind it, each colour painted and read back, so that every notation counts.
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  const painted = (colors) => {
    paint.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      paint.fillStyle = color;
      paint.fillRect(0, 0, 1, 1);
    }
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(element) || !shown(element)) continue;
    seen.add(element);
    if (element.closest(".quiet-text, [disabled], .is-off, script, style, option, title, details:not([open]) > :not(summary)")) continue;
    const grounds = [];
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) {
      grounds.unshift(getComputedStyle(at).backgroundColor);
      opacity *= Number(getComputedStyle(at).opacity);
    }
    const ground = painted(["white", ...grounds]);
    const style = getComputedStyle(element);
    const ink = painted([`rgb(${ground})`, element instanceof SVGElement ? style.fill : style.color])
      .map((part, at) => part * opacity + ground[at] * (1 - opacity));
    const [one, two] = [light(ink), light(ground)].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (two + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${name(element)}`);
  }
  return faults;
})()
