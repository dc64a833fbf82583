// The one clock of the page. Everything that moves shows the frame that it says, so all is always in step.
const movie = JSON.parse(document.getElementById("movie").textContent);

const clock = {
  frame: 0,
  playing: false,
  loop: true,
  speed: 1,
  since: 0,
  listeners: [],

  onChange(listener) {
    this.listeners.push(listener);
  },

  changed() {
    for (const listener of this.listeners) listener();
  },

  show(frame) {
    this.frame = Math.max(0, Math.min(movie.frames - 1, frame));
    this.since = performance.now();
    this.changed();
  },

  // By hand: stops, and goes round at the ends.
  step(by) {
    this.playing = false;
    this.show((this.frame + by + movie.frames) % movie.frames);
  },

  play() {
    this.playing = movie.frames > 1;
    if (!this.loop && this.frame === movie.frames - 1) this.frame = 0;
    this.show(this.frame);
    requestAnimationFrame((now) => this.tick(now));
  },

  pause() {
    this.playing = false;
    this.changed();
  },

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  },

  tick(now) {
    if (!this.playing) return;
    // A page that was in the background has missed rounds, which need not be made up for.
    const round = movie.lengths.reduce((sum, length) => sum + length, 0) / this.speed;
    if (this.loop && now - this.since > round) this.since += Math.floor((now - this.since) / round) * round;
    const before = this.frame;
    for (let length; now - this.since >= (length = movie.lengths[this.frame] / this.speed); this.since += length) {
      if (this.frame === movie.frames - 1 && !this.loop) {
        this.playing = false;
        break;
      }
      this.frame = (this.frame + 1) % movie.frames;
    }
    if (this.frame !== before || !this.playing) this.changed();
    requestAnimationFrame((later) => this.tick(later));
  },
};
