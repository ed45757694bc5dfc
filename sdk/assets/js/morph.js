// What the reader or a script has set, and the server's markup does not take back.
const kept = new Set(["open", "aria-busy", "data-live-now"]);

/** The nodes of some markup. */
function parse(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup.trim();
  return template.content;
}

/** Makes a node like another by changing only what differs: what stays keeps its focus, scroll and selection. */
function morph(old, fresh) {
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
  } else if (old.nodeType !== Node.ELEMENT_NODE) {
    // A new text, not the old one changed: a figure that grows to its left would else be one that has moved.
    if (old.nodeValue !== fresh.nodeValue) old.replaceWith(fresh);
  } else if (!old.isEqualNode(fresh)) {
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !kept.has(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (!kept.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    morphChildren(old, fresh);
  }
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key : "") || "";

function morphChildren(old, fresh) {
  const wanted = new Set([...fresh.childNodes].map(keyOf));
  const keyed = new Map();
  for (const child of [...old.childNodes]) {
    const key = keyOf(child);
    if (!key) continue;
    // Gone first, so that its followers need not move.
    if (wanted.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = keyOf(next);
    const match = key ? keyed.get(key) : at && !keyOf(at) && at.nodeName === next.nodeName ? at : null;
    if (match && match === at) at = at.nextSibling;
    else if (match && old.moveBefore) old.moveBefore(match, at);
    else old.insertBefore(match ?? next, at);
    if (match) morph(match, next);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/** Changes the page while what the reader looks at stays where it is, also where the browser does not see to it. */
function inPlace(change) {
  if (CSS.supports("overflow-anchor", "auto")) return change();
  const seen = document.elementFromPoint(innerWidth / 2, Math.min(160, innerHeight / 2));
  const before = seen?.getBoundingClientRect().top;
  change();
  if (seen?.isConnected && scrollY > 0) scrollBy(0, seen.getBoundingClientRect().top - before);
}

/** Puts elements of some markup in the place of those with the same ids. */
function replaceById(markup, id = "") {
  for (const fresh of [...parse(markup).children]) {
    const old = document.getElementById(id || fresh.id);
    if (!old) continue;
    fresh.id ||= id;
    inPlace(() => morph(old, fresh));
    tellTimes();
  }
}
