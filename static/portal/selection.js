/* The selection of the work list: how many rows are ticked, said once; the whole page ticked or not by one button.
   Without this script the boxes and the acts work the same. */
(() => {
  "use strict";
  const form = document.querySelector("form.fs-selection");
  const said = form && form.querySelector("[data-picked]");
  if (!said) return;

  const boxes = [...form.querySelectorAll('input[name="d"]')];
  const all = form.querySelector('input[name="tous"]');
  const page = form.querySelector("[data-pick-page]");
  const nothing = said.textContent;
  page.hidden = false;

  const tell = () => {
    const picked = boxes.filter((box) => box.checked).length;
    const whole = all && all.checked;
    const s = picked > 1 ? "s" : "";
    const text = whole ? "Toute la liste est sélectionnée." : picked ? `${picked} dossier${s} sélectionné${s}.` : nothing;
    if (said.textContent !== text) said.textContent = text;
    page.textContent = picked === boxes.length ? "Tout décocher" : "Cocher la page";
  };
  page.addEventListener("click", () => {
    const tick = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = tick;
    if (all && !tick) all.checked = false;
    tell();
  });
  form.addEventListener("change", tell);
  window.addEventListener("pageshow", tell);
  tell();
})();
