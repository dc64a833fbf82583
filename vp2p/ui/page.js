() => {
  // Painting the mask, or clicking points; nothing is sent before Edit is pressed.
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
  const mark = (on, event) => {
    const box = on.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const inside = on.parentElement.dataset.mode === "point" && !event.shiftKey;
    const point = document.createElement("button");
    Object.assign(point, { type: "button", className: inside ? "point" : "point beside", textContent: inside ? "+" : "−" });
    point.title = inside ? "on the object; click to remove" : "not of the object; click to remove";
    const place = Number(on.parentElement.querySelector("img:not([hidden])").dataset.place);
    point.dataset.place = place;
    point.dataset.point = JSON.stringify([...at, inside, place]);
    Object.assign(point.style, { left: `${100 * at[0]}%`, top: `${100 * at[1]}%` });
    on.parentElement.append(point);
  };
  document.addEventListener("pointerdown", (event) => {
    last = null;
    const on = event.button === 0 && canvas(event);
    if (on) (on.parentElement.dataset.mode === "paint" ? paint : mark)(on, event);
  });
  document.addEventListener("pointermove", (event) => {
    const on = event.buttons === 1 && canvas(event);
    if (on && on.parentElement.dataset.mode === "paint") paint(on, event);
  });
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("[data-chooses-frame]")) return;
    const pictures = [...document.querySelectorAll(".paint img")];
    const { place } = pictures[event.target.value].dataset;
    document.querySelectorAll(".paint [data-place]").forEach((one) => (one.hidden = one.dataset.place !== place));
    event.target.parentElement.querySelector("output").value = Number(place) + 1;
  });
  document.addEventListener("change", (event) => {
    if (event.target.name === "mask-mode") document.querySelector(".paint").dataset.mode = event.target.value;
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches?.(".paint .point")) event.target.remove();
    if (!event.target.matches?.("[data-clears-mask]")) return;
    const on = document.querySelector("canvas.mask");
    if (on.parentElement.dataset.mode !== "paint") return document.querySelectorAll(".paint .point").forEach((one) => one.remove());
    on.getContext("2d").clearRect(0, 0, on.width, on.height);
    delete on.dataset.painted;
  });
}
