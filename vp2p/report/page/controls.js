// The transport bar, the keys, and the buttons that copy a command.
const controls = {
  play: document.getElementById("play"),
  scrub: document.getElementById("scrub"),
  count: document.getElementById("count"),
  loop: document.getElementById("loop"),
  speed: document.getElementById("speed"),

  tell() {
    this.play.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    this.play.dataset.playing = clock.playing;
    this.loop.setAttribute("aria-pressed", clock.loop);
    this.scrub.value = clock.frame;
    this.scrub.setAttribute("aria-valuetext", `frame ${clock.frame + 1} of ${movie.frames}`);
    this.count.textContent = `${clock.frame + 1} / ${movie.frames}`;
  },

  switchLoop() {
    clock.loop = !clock.loop;
    clock.changed();
  },

  key(event) {
    const on = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || on.matches("select, .scroll")) return;
    const presses = event.key === " " && on.matches("button, summary, a");
    const slides = on === this.scrub && event.key !== " ";
    if (presses || slides) return;
    const acts = {
      " ": () => clock.toggle(),
      ",": () => clock.step(-1),
      ".": () => clock.step(1),
      ArrowLeft: () => clock.step(-1),
      ArrowRight: () => clock.step(1),
      Home: () => clock.step(-clock.frame),
      End: () => clock.step(movie.frames - 1 - clock.frame),
      l: () => this.switchLoop(),
    };
    const card = /^[1-9]$/.test(event.key) && document.querySelectorAll("[data-edit]")[event.key - 1];
    if (card) wipe.choose(card.dataset.edit);
    else if (event.key in acts) acts[event.key]();
    else return;
    event.preventDefault();
  },

  async copy(button) {
    const text = document.getElementById(button.dataset.copies);
    let done = true;
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      done = false; // not allowed here: mark it, so that the user's own key copies it
      getSelection().selectAllChildren(text);
    }
    button.textContent = done ? "Copied" : "Marked";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  },

  // What a link leads to is opened.
  follow() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target && target.querySelector("details");
    if (details) details.open = true;
  },

  start() {
    this.play.addEventListener("click", () => clock.toggle());
    document.getElementById("back").addEventListener("click", () => clock.step(-1));
    document.getElementById("on").addEventListener("click", () => clock.step(1));
    this.loop.addEventListener("click", () => this.switchLoop());
    this.speed.addEventListener("change", () => {
      clock.speed = Number(this.speed.value);
      clock.show(clock.frame);
    });
    this.scrub.addEventListener("input", () => {
      clock.playing = false;
      clock.show(Number(this.scrub.value));
    });
    document.addEventListener("keydown", (event) => this.key(event));
    for (const button of document.querySelectorAll("[data-copies]")) {
      button.addEventListener("click", () => this.copy(button));
    }
    window.addEventListener("hashchange", () => this.follow());
    this.follow();
    clock.onChange(() => this.tell());
  },
};

decodeSheets().then(
  () => {
    startPlayers();
    wipe.start();
    controls.start();
    clock.show(0);
    document.documentElement.dataset.ready = "true";
    if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) clock.play();
  },
  () => {
    document.getElementById("trouble").hidden = false;
  },
);
