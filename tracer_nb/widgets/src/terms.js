// Terms that a text uses, each with a tip: the first time that it stands in a part of the page.

import { bare, make } from "./dom.js";

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
let pattern = null;

function terms() {
  if (pattern === null) {
    const names = Object.keys(GLOSSARY).sort((a, b) => b.length - a.length);
    pattern = new RegExp(`\\b(${names.map(escaped).join("|")})s?\\b`, "i");
  }
  return pattern;
}

const termOf = (word) => {
  const low = word.toLowerCase();
  return low in GLOSSARY ? low : low.replace(/s$/, "");
};

// A text in pieces: those that are a term have it.
/** @param {string} text @param {Set<string>} told @returns {{ text: string, term: string | null }[]} */
export function pieces(text, told) {
  const found = [];
  let rest = text;
  let from = 0;
  for (;;) {
    const match = rest.slice(from).match(terms());
    if (!match) break;
    const at = from + (match.index ?? 0);
    const term = termOf(match[0]);
    from = at + match[0].length;
    if (told.has(term)) continue;
    told.add(term);
    found.push({ text: rest.slice(0, at), term: null }, { text: match[0], term });
    rest = rest.slice(from);
    from = 0;
  }
  return [...found, { text: rest, term: null }].filter((piece) => piece.text);
}

// Marks the terms in what an element says; what was marked stays.
/** @param {HTMLElement} node */
export function explain(node) {
  const told = new Set();
  for (const mark of node.querySelectorAll("abbr")) mark.replaceWith(mark.textContent ?? "");
  node.normalize();
  const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walk.nextNode()) texts.push(walk.currentNode);
  for (const text of texts) {
    const parts = pieces(text.textContent ?? "", told);
    if (!parts.some(({ term }) => term)) continue;
    /** @type {ChildNode} */ (text).replaceWith(
      ...parts.map(({ text: words, term }) => {
        if (!term) return document.createTextNode(words);
        const mark = bare("abbr", "", words);
        mark.title = GLOSSARY[term];
        return mark;
      }),
    );
  }
}

// All of them, folded.
export function makeWords() {
  const node = make("details", "tracer-words");
  const list = make("dl");
  for (const [term, words] of Object.entries(GLOSSARY)) {
    list.append(make("dt", "", term), make("dd", "", words));
  }
  node.append(make("summary", "", "Words"), list);
  return node;
}
