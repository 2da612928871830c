"use strict";
/* Shows the papers of a filter while it is being chosen. Without this, its button does the same. */
const form = document.getElementById("filter");
const TYPING_PAUSE_MS = 200;
let pause = 0;
let asked = null;

function address() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value !== "" && !(name === "match" && value === "any")) query.append(name, value);
  }
  const path = new URL(form.action).pathname;
  return query.size ? `${path}?${query}` : path;
}

/* Takes what both pages have from the one that has come; what is being typed into stays as it is. */
function take(page) {
  const held = document.activeElement;
  const mark = held.closest("#facets") && held.name ? [held.name, held.value] : null;
  for (const id of ["list", "facets"]) {
    const come = page.getElementById(id);
    const here = document.getElementById(id);
    if (come && !(id === "facets" && held.type === "date")) here.replaceChildren(...come.childNodes);
  }
  document.getElementById("count").textContent = page.getElementById("count").textContent;
  if (mark) {
    const same = [...form.elements].find((each) => each.name === mark[0] && each.value === mark[1]);
    same?.focus({ preventScroll: true });
  }
}

async function show() {
  clearTimeout(pause);
  asked?.abort();
  asked = new AbortController();
  const here = address();
  try {
    const answer = await fetch(here, { signal: asked.signal });
    if (!answer.ok) return;
    take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    history.replaceState(null, "", here);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(here);
  }
}

form.addEventListener("input", (event) => {
  clearTimeout(pause);
  pause = setTimeout(show, event.target.type === "search" ? TYPING_PAUSE_MS : 0);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
