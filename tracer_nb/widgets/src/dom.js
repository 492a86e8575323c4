// Elements. Every text goes in as text, never as HTML.

const REACHED_BY_KEYS = new Set(["button", "input", "select", "textarea"]);

/** @param {string} tag @param {string} [name] @param {string} [text] @returns {any} */
export function make(tag, name, text) {
  const node = bare(tag, name, text);
  if (REACHED_BY_KEYS.has(tag)) keepKeys(node);
  return node;
}

// An element whose keys the notebook hears, too.
/** @param {string} tag @param {string} [name] @param {string} [text] @returns {any} */
export function bare(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Arrows and letters are for what has the focus, not for the notebook around it.
export function keepKeys(node) {
  node.dataset.lmSuppressShortcuts = "true";
  return node;
}

/** @param {string} text @param {() => unknown} press @param {string} [name] */
export function button(text, press, name) {
  const node = make("button", name, text);
  node.type = "button";
  node.addEventListener("click", press);
  return node;
}

// Text that stays where it is, so that screen readers and eyes are not disturbed for nothing.
/** @param {HTMLElement} node @param {string} text */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Sentences one below the other; no figure is torn from its sign of percent.
/** @param {string[]} texts @returns {HTMLElement[]} */
export function paragraphs(texts) {
  return texts.map((text) => make("p", "", text.replaceAll(" %", "\u00a0%")));
}

let made = 0;
/** @param {string} kind */
export function newId(kind) {
  made += 1;
  return `tracer-${kind}-${made}-${Math.random().toString(36).slice(2, 8)}`;
}
