/* Questions that another answer makes asked: shown and hidden as that answer changes. « m0_profession=nurse m0_on_site=non »
   asks for both; a name that no field has is the start of several, one of which is enough. Hidden, they are still posted. */
(() => {
  "use strict";
  const holds = (form, condition) => {
    const [name, value] = condition.split("=");
    const entries = [...new FormData(form)];
    const exact = entries.filter(([field]) => field === name);
    const found = form.elements[name] ? exact : entries.filter(([field]) => field.startsWith(`${name}_`));
    return found.some(([, said]) => said === value);
  };
  const show = (form) => {
    for (const block of form.querySelectorAll("[data-asked-if]")) {
      const wrong = block.querySelector("[aria-invalid=true], .fr-error-text");
      block.hidden = !wrong && !block.dataset.askedIf.split(" ").every((condition) => holds(form, condition));
    }
  };
  const forms = new Set([...document.querySelectorAll("[data-asked-if]")].map((block) => block.closest("form")));
  for (const form of forms) {
    show(form);
    form.addEventListener("change", () => show(form));
  }
})();
