// Moving and sizing: by the pointer on the bar and the corner, by the arrow keys on the title.
const step = 16;

function letDrag(window) {
  dragOn(window.bar, window, (from, dx, dy) => ({ ...from, x: from.x + dx, y: from.y + dy }));
  dragOn(window.corner, window, (from, dx, dy) => ({ ...from, w: from.w + dx, h: from.h + dy }));
  window.bar.addEventListener("dblclick", (event) => event.target.closest(".button") || window.fill(!window.wide));
  window.handle.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [];
    if (dx === undefined || event.altKey || event.ctrlKey || event.metaKey || window.wide || narrow.matches) return;
    event.preventDefault();
    const { x, y, w, h } = window;
    window.place(event.shiftKey ? { x, y, w: w + dx, h: h + dy } : { x: x + dx, y: y + dy, w, h });
    changed();
  });
}

function dragOn(grip, window, moved) {
  grip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest(".button") || window.wide || narrow.matches) return;
    const { x, y, w, h } = window;
    const from = { x, y, w, h };
    const move = (next) => window.place(moved(from, next.clientX - event.clientX, next.clientY - event.clientY));
    const done = () => {
      grip.removeEventListener("pointermove", move);
      desk.classList.remove("is-dragging");
      changed();
    };
    grip.setPointerCapture(event.pointerId);
    desk.classList.add("is-dragging");
    grip.addEventListener("pointermove", move);
    grip.addEventListener("lostpointercapture", done, { once: true });
  });
}
