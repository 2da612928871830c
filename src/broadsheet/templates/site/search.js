"use strict";
/* Searches the papers of the site in the browser. Papers come in shards, newest first, which are scripts because a
   page that is opened from the file system may not fetch other files. */
const FIRST_SHARDS = 10;
const MOST_SHOWN = 50;
const WEIGHTS = { title: 6, keywords: 4, tags: 3, authors: 3, sentence: 2 };
const field = document.getElementById("q");
const state = document.getElementById("state");
const found = document.getElementById("found");
const older = document.getElementById("older");
const papers = [];
let shards = [];
let loaded = 0;
let loading = false;
let wanted = FIRST_SHARDS;

const number = (value) => value.toLocaleString("en");
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const wordsOf = (text) => folded(text).match(/[\p{L}\p{N}]+/gu) || [];

function read(row) {
  const [page, title, sentence, keywords, tags, authors, day] = row;
  const parts = { title, keywords, tags, authors, sentence };
  const text = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, ` ${wordsOf(part).join(" ")} `]));
  return { page, title, sentence, day, text };
}

function query(typed) {
  const wanted = [];
  const unwanted = [];
  for (const [, minus, phrase, bare] of typed.matchAll(/(-?)(?:["“”]([^"“”]*)["“”]?|([^\s"“”]+))/gu)) {
    const words = wordsOf(phrase ?? bare).join(" ");
    if (words) (minus ? unwanted : wanted).push({ words, exact: phrase !== undefined });
  }
  return { wanted, unwanted };
}

/* A word matches the beginning of a word, a phrase whole words. */
const holds = (text, { words, exact }) => text.includes(exact ? ` ${words} ` : ` ${words}`);
const isIn = (paper, term) => Object.values(paper.text).some((text) => holds(text, term));

function ranked({ wanted, unwanted }) {
  const kept = papers.filter((paper) => !unwanted.some((term) => isIn(paper, term)));
  const rarity = wanted.map((term) => Math.log(1 + kept.length / (1 + kept.filter((paper) => isIn(paper, term)).length)));
  const scored = [];
  kept.forEach((paper, order) => {
    let score = 0;
    let terms = 0;
    wanted.forEach((term, place) => {
      const best = Math.max(...Object.entries(paper.text).map(([name, text]) => (holds(text, term) ? WEIGHTS[name] : 0)));
      score += best * rarity[place];
      terms += best > 0 ? 1 : 0;
    });
    if (terms) scored.push({ paper, score, terms, order });
  });
  scored.sort((a, b) => b.terms - a.terms || b.score - a.score || a.order - b.order);
  const whole = scored.filter((each) => each.terms === wanted.length);
  return { results: (whole.length ? whole : scored).map((each) => each.paper), partly: !whole.length && scored.length > 0 };
}

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function show() {
  const typed = field.value.trim();
  const asked = query(typed);
  found.replaceChildren();
  const total = Number(field.dataset.papers);
  const some = papers.length < total ? "the latest " : "";
  older.hidden = loading || loaded >= shards.length || !asked.wanted.length;
  older.textContent = `Search the ${number(total - papers.length)} older papers too`;
  if (!asked.wanted.length) {
    state.textContent = loading ? "Reading the papers …" : `${number(total)} papers.`;
    return;
  }
  const { results, partly } = ranked(asked);
  const rest = `${number(results.length)} of ${some}${number(papers.length)} papers`;
  const what = partly ? `No paper has all of these words. Some of them: ${rest}` : rest;
  state.textContent = `${what}${loading ? " …" : "."}`;
  for (const paper of results.slice(0, MOST_SHOWN)) {
    const article = element("article", "", found);
    const heading = element("h2", "", article);
    heading.dir = "auto";
    element("a", paper.title, heading).href = `p/${paper.page}.html`;
    if (paper.sentence) {
      const sentence = element("p", paper.sentence, article);
      sentence.className = "sentence";
      sentence.dir = "auto";
    }
    const day = new Date(paper.day).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
    element("p", day, article).className = "meta";
  }
  if (results.length > MOST_SHOWN) element("p", `The first ${MOST_SHOWN} are shown.`, found).className = "meta";
}

function load() {
  if (loaded >= Math.min(wanted, shards.length)) {
    loading = false;
    show();
    return;
  }
  loading = true;
  const script = document.createElement("script");
  script.src = `${field.dataset.shards}/${shards[loaded]}.js`;
  script.onload = () => {
    loaded += 1;
    show();
    load();
  };
  script.onerror = () => {
    loading = false;
    state.textContent = "A file of the search index is missing; try again later.";
  };
  document.head.append(script);
}

window.broadsheetShard = (rows) => rows.forEach((row) => papers.push(read(row)));
shards = window.broadsheetShards || [];
document.getElementById("search").hidden = false;
field.value = new URLSearchParams(location.search).get("q") || "";
let pause = 0;
field.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => {
    const address = new URL(location.href);
    address.searchParams.set("q", field.value);
    history.replaceState(null, "", address);
    show();
  }, 200);
});
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
older.addEventListener("click", () => {
  wanted = shards.length;
  load();
});
field.focus();
load();
