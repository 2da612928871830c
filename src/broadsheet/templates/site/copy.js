"use strict";
/* Buttons that copy; without this they are hidden, as there is nothing that they could do. */
const told = document.getElementById("copied");

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    told.textContent = `${what} copied.`;
  } catch {
    told.textContent = "This browser copies nothing here; select the text instead.";
  }
}

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const entry = document.getElementById(button.dataset.copy);
    if (entry) copy(entry.textContent, button.dataset.copy.startsWith("bibtex") ? "BibTeX" : "Markdown");
    else copy(location.href.split("#")[0], "Link");
  });
}
