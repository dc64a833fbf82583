// Two clips in one picture: the left one up to the slider, the right one from there on.
const wipe = {
  canvas: document.getElementById("wipe"),
  slider: document.getElementById("slider"),
  left: document.getElementById("left"),
  right: document.getElementById("right"),
  over: document.getElementById("over"),
  share: 0.5,

  // The option that is chosen on the right: an edit also names its source, its reconstruction and its mask.
  get edit() {
    return this.right.selectedOptions[0].dataset;
  },

  get tracks() {
    const left = this.left.value === "reconstruction" ? this.edit.reconstruction : this.left.value;
    const over = this.over.value === "mask" ? this.edit.mask : this.over.value;
    return {
      left: movie.clips[left === "source" ? this.edit.source : left],
      right: movie.clips[this.right.value],
      over: movie.maps[over],
    };
  },

  draw() {
    const { left, right, over } = this.tracks;
    paint(this.canvas, left, clock.frame, false);
    paint(this.canvas, right, clock.frame, false, this.share);
    if (over) paintMaps(this.canvas, over, clock.frame);
    this.canvas.dataset.frame = clock.frame;
  },

  move(share) {
    this.share = Math.max(0, Math.min(1, share));
    const percent = Math.round(100 * this.share);
    this.slider.style.left = `${100 * this.share}%`;
    this.slider.setAttribute("aria-valuenow", percent);
    this.slider.setAttribute("aria-valuetext", `${percent} percent ${this.left.selectedOptions[0].text}`);
    this.draw();
  },

  chosen() {
    setSize(this.canvas, this.tracks.right);
    for (const side of ["left", "right"]) {
      document.getElementById(`${side}-name`).textContent = this[side].selectedOptions[0].text;
    }
    for (const card of document.querySelectorAll("[data-edit]")) {
      card.setAttribute("aria-pressed", card.dataset.edit === this.right.value);
    }
    this.move(this.share);
  },

  // Shows an edit on the right, as a click on its card or a number key asks.
  choose(id) {
    this.right.value = id;
    this.chosen();
  },

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    this.move((event.clientX - box.left) / box.width);
  },

  key(event) {
    const moves = { ArrowLeft: -0.02, ArrowRight: 0.02, ArrowDown: -0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1 };
    if (event.key in moves) this.move(this.share + moves[event.key]);
    else if (event.key === "Home") this.move(0);
    else if (event.key === "End") this.move(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  },

  start() {
    if (!this.canvas) return;
    const frame = this.canvas.parentElement;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      frame.setPointerCapture(event.pointerId);
      this.point(event);
      this.slider.focus({ preventScroll: true });
      event.preventDefault();
    });
    frame.addEventListener("pointermove", (event) => {
      if (frame.hasPointerCapture(event.pointerId)) this.point(event);
    });
    this.slider.addEventListener("keydown", (event) => this.key(event));
    for (const select of [this.left, this.right, this.over]) select.addEventListener("change", () => this.chosen());
    for (const card of document.querySelectorAll("[data-edit]")) {
      card.addEventListener("click", () => this.choose(card.dataset.edit));
    }
    this.chosen();
    clock.onChange(() => this.draw());
  },
};
