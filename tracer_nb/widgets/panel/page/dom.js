// Elements. Every text goes in as text, never as HTML.

const REACHED_BY_KEYS = new Set(["button", "input", "select", "textarea"]);

function make(tag, name, text) {
  const node = document.createElement(tag);
  if (REACHED_BY_KEYS.has(tag)) keepKeys(node);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Arrows and letters are for what has the focus, not for the notebook around it.
function keepKeys(node) {
  node.dataset.lmSuppressShortcuts = "true";
  return node;
}

function button(text, press, name) {
  const node = make("button", name, text);
  node.type = "button";
  node.addEventListener("click", press);
  return node;
}

// Text that stays where it is, so that screen readers and eyes are not disturbed for nothing.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Sentences one below the other; no figure is torn from its sign of percent.
function paragraphs(texts) {
  return texts.map((text) => make("p", "", text.replaceAll(" %", "\u00a0%")));
}

let made = 0;
function newId(kind) {
  made += 1;
  return `tracer-${kind}-${made}-${Math.random().toString(36).slice(2, 8)}`;
}
