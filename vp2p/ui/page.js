() => {
  // Painting the mask; nothing is sent before Edit is pressed.
  let last = null;
  const canvas = (event) => (event.target.matches?.("canvas.mask") ? event.target : null);
  const paint = (on, event) => {
    const box = on.getBoundingClientRect();
    const at = [((event.clientX - box.left) * on.width) / box.width, ((event.clientY - box.top) * on.height) / box.height];
    const pen = on.getContext("2d");
    Object.assign(pen, { lineWidth: Math.max(on.width, on.height) / 12, lineCap: "round", strokeStyle: "#ff2d95" });
    pen.beginPath();
    pen.moveTo(...(last ?? at));
    pen.lineTo(...at);
    pen.stroke();
    last = at;
    on.dataset.painted = "yes";
  };
  document.addEventListener("pointerdown", (event) => {
    last = null;
    if (canvas(event)) paint(canvas(event), event);
  });
  document.addEventListener("pointermove", (event) => {
    if (canvas(event) && event.buttons === 1) paint(canvas(event), event);
  });
  document.addEventListener("click", (event) => {
    if (!event.target.matches?.("[data-clears-mask]")) return;
    const on = document.querySelector("canvas.mask");
    on.getContext("2d").clearRect(0, 0, on.width, on.height);
    delete on.dataset.painted;
  });
}
