/* The tasks of a draft are kept as they are typed (htmx posts them). Until the portal has kept them, the answers wait in
   sessionStorage, under the account and the address: a lost session or connection loses nothing. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-account]");
  if (!form) return;

  const PREFIX = "saisie:";
  const key = `${PREFIX}${form.dataset.account}:${location.pathname}`;
  const failure = document.getElementById("non-enregistre");
  const saved = document.getElementById("enregistrement");
  const OURS = new Set(["csrfmiddlewaretoken", "version", "shown", "act"]);
  let waiting = false; // an autosave is on its way
  let leaving = null; // the button that was pressed meanwhile

  const hour = () => {
    const now = new Date();
    return `${now.getHours()}\u00a0h\u00a0${String(now.getMinutes()).padStart(2, "0")}`;
  };
  const answers = () => [...new FormData(form)].filter(([name]) => !OURS.has(name));
  const version = () => form.elements.version.value;
  const kept = () => JSON.parse(sessionStorage.getItem(key) || "null");
  const keep = (more) =>
    sessionStorage.setItem(key, JSON.stringify({ at: hour(), version: version(), answers: answers(), ...more }));
  const forget = () => sessionStorage.removeItem(key);

  const say = (text, link) => {
    failure.replaceChildren(text);
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.textContent = link.text;
      failure.append(" ", anchor, link.after);
    }
  };

  /* Post what was kept as this form would: « stay » saves it, « restore » only shows it again. */
  const repost = (entry, act) => {
    const copy = document.createElement("form");
    copy.method = "post";
    copy.action = form.action;
    const token = form.elements.csrfmiddlewaretoken.value;
    for (const [name, value] of [["csrfmiddlewaretoken", token], ["version", entry.version], ["act", act], ...entry.answers]) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      field.value = value;
      copy.append(field);
    }
    document.body.append(copy);
    forget();
    copy.submit();
  };

  for (const other of Object.keys(sessionStorage)) {
    if (other.startsWith(PREFIX) && !other.startsWith(`${PREFIX}${form.dataset.account}:`)) sessionStorage.removeItem(other);
  }
  const entry = kept();
  const same = entry && JSON.stringify(entry.answers) === JSON.stringify(answers());
  if ("changed" in form.dataset) {
    keep(); // a button copied hours, added or removed a row, took an entry back: kept as if it were typed
    setTimeout(() => retry(), 200);
  } else if (entry && entry.submitted && entry.version !== version()) forget(); // the portal kept it: the version moved
  else if (same) setTimeout(() => retry(), 200);
  else if (entry && entry.lost) repost(entry, "stay");
  else if (entry) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "fr-btn fr-btn--sm fr-btn--tertiary";
    button.textContent = "Reprendre ma saisie";
    button.addEventListener("click", () => repost(entry, "restore"));
    say(`Votre saisie de ${entry.at} n’avait pas pu être enregistrée ; elle est gardée dans ce navigateur. `);
    failure.append(button);
  }

  /* A day whose hours are typed is no longer closed. */
  const open = (field) => {
    const closed = field.classList.contains("fs-time") && field.value && field.closest(".fs-day")?.querySelector("[type=checkbox]");
    if (closed) closed.checked = false;
  };
  form.addEventListener("input", (event) => {
    open(event.target);
    keep();
  });
  document.body.addEventListener("kept", () => {
    if (JSON.stringify(kept()?.answers) === JSON.stringify(answers())) forget();
    for (const said of document.querySelectorAll("[data-until-kept]")) said.remove();
  });

  form.addEventListener("htmx:beforeRequest", (event) => {
    if (leaving) event.preventDefault();
    else waiting = true;
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    waiting = false;
    const { xhr, failed } = event.detail;
    if (failed && xhr.status === 401) {
      keep({ lost: true });
      say(`Vous avez été déconnecté après une heure sans activité. Votre saisie de ${hour()} est gardée dans ce navigateur.`, {
        href: form.dataset.login,
        text: "Reconnectez-vous",
        after: " : elle sera enregistrée et vous reviendrez ici.",
      });
    } else if (xhr.status === 0 && !leaving) {
      say(`Connexion perdue : vos réponses partiront dès son retour. ${saved.textContent.trim()}`);
      setTimeout(retry, 15000);
    } else if (failed) {
      say("Votre saisie n’a pas pu être enregistrée ; elle est gardée dans ce navigateur. Essayez « Enregistrer et rester ».");
    }
    if (leaving) setTimeout(() => (leaving === form ? form.requestSubmit() : form.requestSubmit(leaving)), 50);
  });
  const retry = () => {
    if (kept()) htmx.trigger(form, "retry");
  };
  addEventListener("online", retry);

  form.addEventListener("submit", (event) => {
    if (waiting) {
      event.preventDefault();
    }
    leaving = event.submitter || form;
    if (kept()) keep({ submitted: true });
  });
})();
