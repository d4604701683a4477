/* How much of a long text is left: nothing is cut, the portal refuses what is too long and keeps it. Shown from the first
   focus; spoken near the limit only, once the typing pauses. */
(() => {
  "use strict";
  const NEAR = 150;
  const counters = new WeakMap();

  const make = (area) => {
    const shown = document.createElement("p");
    const spoken = document.createElement("p");
    shown.className = "fr-message fs-count";
    shown.setAttribute("aria-hidden", "true");
    spoken.className = "fr-sr-only";
    spoken.setAttribute("role", "status");
    area.after(shown, spoken);
    const counter = { shown, spoken, timer: 0 };
    counters.set(area, counter);
    return counter;
  };
  const number = (count) => count.toLocaleString("fr-FR").replaceAll("\u202f", "\u00a0");
  const words = (left) => {
    const s = Math.abs(left) > 1 ? "s" : "";
    return left < 0 ? `${number(-left)} caractère${s} de trop` : `${number(left)} caractère${s} restant${s}`;
  };
  const count = (event) => {
    const area = event.target;
    if (!(area instanceof HTMLTextAreaElement) || !area.dataset.limit) return;
    const counter = counters.get(area) || make(area);
    const left = Number(area.dataset.limit) - [...area.value].length;
    counter.shown.textContent = words(left);
    counter.shown.classList.toggle("fr-message--error", left < 0);
    clearTimeout(counter.timer);
    if (left <= NEAR) counter.timer = setTimeout(() => (counter.spoken.textContent = words(left)), 1000);
  };
  document.addEventListener("focusin", count);
  document.addEventListener("input", count);
})();
