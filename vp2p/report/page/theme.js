"use strict";

// The theme is the system's until the button says otherwise; that is remembered where the browser allows it.
const theme = {
  system: window.matchMedia("(prefers-color-scheme: dark)"),

  get dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : this.system.matches;
  },

  choose(name) {
    document.documentElement.dataset.theme = name;
    try {
      localStorage.setItem("vp2p-theme", name);
    } catch {}
    this.tell();
  },

  tell() {
    const button = document.getElementById("theme");
    button.textContent = this.dark ? "Light" : "Dark";
    button.setAttribute("aria-label", `Change to the ${this.dark ? "light" : "dark"} theme`);
  },

  start() {
    let kept = null;
    try {
      kept = localStorage.getItem("vp2p-theme");
    } catch {}
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
    const button = document.getElementById("theme");
    button.addEventListener("click", () => this.choose(this.dark ? "light" : "dark"));
    this.system.addEventListener("change", () => this.tell());
    this.tell();
  },
};

theme.start();
