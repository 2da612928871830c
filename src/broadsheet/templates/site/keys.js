"use strict";
/* Keys for the pages of the server: / searches, j and k go from paper to paper, Enter opens, Esc leaves, ? tells. */
const titles = () => [...document.querySelectorAll("article h2 a, article h3 a")];

function go(step) {
  const links = titles();
  const here = links.indexOf(document.activeElement);
  const next = links[here < 0 ? (step > 0 ? 0 : links.length - 1) : here + step];
  if (next) {
    next.focus();
    next.scrollIntoView({ block: "center" });
  }
}

function search() {
  const field = document.getElementById("q");
  if (field) {
    field.focus();
    field.select();
  } else {
    location.assign("/papers");
  }
}

function tell() {
  const shown = document.getElementById("keys");
  if (shown) {
    shown.remove();
    return;
  }
  const line = document.createElement("p");
  line.id = "keys";
  line.className = "meta keys";
  line.setAttribute("role", "status");
  line.textContent = "/ search · j next paper · k previous paper · Enter open · Esc leave · ? hide this";
  document.body.append(line);
}

function leave() {
  document.getElementById("keys")?.remove();
  document.activeElement?.blur();
}

const keys = { "/": search, j: () => go(1), k: () => go(-1), "?": tell };
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    leave();
    return;
  }
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
