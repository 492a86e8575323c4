// The page's side of the review panel. It shows what the trait "row" says and sends what was
// pressed; Python decides. Texts go in as text, never as HTML.

import { bare } from "./dom.js";

const PATIENCE = 10000; // milliseconds without a word from the kernel

function keyed(name, key, text, press) {
  const node = bare("button", name);
  node.type = "button";
  if (key) {
    node.append(bare("kbd", "", key), " ");
    node.setAttribute("aria-keyshortcuts", key);
  }
  node.append(bare("span", "", text));
  node.addEventListener("click", press);
  return node;
}

function field(name, hint) {
  const node = bare("input", name);
  node.type = "text";
  node.placeholder = node.ariaLabel = hint;
  node.autocomplete = "off";
  node.spellcheck = false;
  return node;
}

/** @param {string} text */
export const plain = (text) =>
  text
    .toLowerCase()
    .replace(/[\s_-]+/g, " ")
    .trim();

// Labels that have all words of what was typed, those that begin with it first.
/** @param {string[]} labels @param {string} typed @returns {string[]} */
export function matching(labels, typed) {
  const terms = plain(typed).split(" ");
  const found = labels.filter((label) => terms.every((term) => plain(label).includes(term)));
  const first = (label) => Number(plain(label).startsWith(plain(typed)));
  return typed.trim() ? found.sort((a, b) => first(b) - first(a)) : found;
}

// The labels that are on after one was pressed.
/** @param {string[]} chosen @param {string} label @returns {string[]} */
export function toggled(chosen, label) {
  return chosen.includes(label) ? chosen.filter((one) => one !== label) : [...chosen, label];
}

/** @param {{ model: Model, el: HTMLElement }} view */
export function renderReview({ model, el }) {
  const root = bare("div", "tracer-review");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  const keys = model.get("several") ? "digits turn labels on and off, a answers" : "digits choose";
  root.setAttribute("aria-label", `Review of labels; ${keys}, s skips, u takes back`);

  const summary = model.get("summary");
  const hide = bare("style", "", summary ? `#${summary}{display:none}` : "");
  const line = bare("div", "tracer-line");
  const bar = bare("div", "tracer-bar");
  const done = bar.appendChild(bare("div"));
  const message = bare("div", "tracer-message");
  message.setAttribute("role", "alert");
  const why = bare("div", "tracer-why");
  const text = bare("div", "tracer-text");
  const explanation = bare("div", "tracer-why");
  const near = bare("div", "tracer-labels");
  const labels = model.get("labels");
  const several = model.get("several");
  const picks = several ? "Enter turns one on or off" : "Enter picks";
  const filter = field("tracer-filter", `/  filter all ${labels.length} labels, ${picks}`);
  const all = bare("div", "tracer-labels tracer-all");
  const note = field("", "n  note, goes with the next answer");
  const foot = bare("div", "tracer-foot");
  const skip = keyed("", "s", "skip", () => send({ do: "skip" }));
  const undo = keyed("", "u", "undo", () => send({ do: "undo" }));
  // Where a row may have several labels: they are chosen first, and then they are the answer.
  const ready = keyed("", "a", "", () => send({ do: "answer", label: [...chosen] }));
  const choice = ready.querySelector("span");
  ready.hidden = !several;
  foot.append(
    note,
    ready,
    skip,
    undo,
    keyed("", "q", "finish", () => send({ do: "finish" })),
  );
  const last = bare("div", "tracer-last");
  last.setAttribute("aria-live", "polite");
  root.append(hide, line, bar, message, why, text, explanation, near, filter, all, foot, last);
  el.replaceChildren(root);

  let drawn = false;
  let waiting = null;
  let found = [];
  let at = 0;
  let chosen = [];

  function send(what) {
    if (waiting !== null) return; // one step at a time, however fast the keys are
    waiting = setTimeout(() => {
      waiting = null;
      show("No answer from the kernel: is it running? What was answered before is stored.");
    }, PATIENCE);
    model.send({ ...what, step: model.get("row").step, note: note.value });
  }

  const answer = (label) => (several ? turn(label) : send({ do: "answer", label }));

  function turn(label) {
    chosen = toggled(chosen, label);
    light();
  }

  // Which labels are on, told to the eye and to a screen reader.
  function light() {
    if (!several) return;
    for (const node of [...near.children, ...all.querySelectorAll("button")]) {
      node.setAttribute("aria-pressed", String(chosen.includes(node.dataset.label)));
    }
    choice.textContent = chosen.length ? `answer ${chosen.join("; ")}` : "answer none of them";
  }

  function labelled(key, label) {
    const node = keyed("", key, label, () => answer(label));
    node.dataset.label = label;
    return node;
  }

  function show(words) {
    message.textContent = words;
    message.hidden = !words;
  }

  function choose() {
    found = matching(labels, filter.value);
    at = 0;
    all.replaceChildren(...found.map((label) => labelled("", label)));
    if (!found.length) all.append(bare("span", "tracer-why", "no label has these letters"));
    mark();
    light();
  }

  function mark() {
    const active = document.activeElement === filter;
    for (const [i, node] of [...all.children].entries()) {
      node.classList.toggle("tracer-picked", active && i === at);
    }
    if (active) all.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function update() {
    const row = model.get("row");
    const mine = root.contains(document.activeElement);
    clearTimeout(waiting);
    waiting = null;
    line.textContent = row.line;
    done.style.width = `${(100 * row.done) / Math.max(row.total, 1)}%`;
    show(row.message);
    last.textContent = row.last;
    undo.disabled = !row.undo;
    skip.disabled = row.over;
    if (row.message && drawn) return; // same row: what was typed stays
    drawn = true;
    why.textContent = row.why;
    text.textContent = row.text;
    text.scrollTop = 0;
    explanation.textContent = row.explanation;
    explanation.hidden = !row.explanation;
    near.replaceChildren(
      ...row.shortlist.map(({ label, who }, i) => {
        const node = labelled(String(i + 1), label);
        if (who) node.append(bare("small", "", who));
        return node;
      }),
    );
    chosen = row.chosen;
    note.value = row.note;
    note.hidden = near.hidden = row.over;
    ready.disabled = row.over;
    filter.hidden = all.hidden = row.over || labels.length <= row.shortlist.length;
    filter.value = "";
    choose();
    if (mine) root.focus({ preventScroll: true });
  }

  const scrolling = {
    ArrowDown: () => 40,
    ArrowUp: () => -40,
    PageDown: () => text.clientHeight - 40,
    PageUp: () => 40 - text.clientHeight,
    Home: () => -text.scrollHeight,
    End: () => text.scrollHeight,
  };

  function inFilter(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "Enter" && found.length) answer(found[at]);
    else if (event.key === "Escape") {
      filter.value = "";
      choose();
      root.focus({ preventScroll: true });
    } else if (step && (filter.value === "" || event.key.endsWith("Down") || event.key.endsWith("Up"))) {
      at = Math.min(Math.max(at + step, 0), found.length - 1);
      mark();
    } else return false;
    return true;
  }

  function press(event) {
    const row = model.get("row");
    const key = event.key.toLowerCase();
    if (event.target === filter) return inFilter(event);
    if (event.target === note) {
      if (event.key !== "Enter" && event.key !== "Escape") return false;
      root.focus({ preventScroll: true });
    } else if (/^[1-9]$/.test(key)) {
      if (!row.over && row.shortlist[key - 1]) answer(row.shortlist[key - 1].label);
    } else if (key === "a" && several) ready.click();
    else if (key === "s") skip.click();
    else if (key === "u") undo.click();
    else if (key === "q") send({ do: "finish" });
    else if (key === "n" && !row.over) note.focus();
    else if (key === "/" && !filter.hidden) filter.focus();
    else if (scrolling[event.key]) text.scrollTop += scrolling[event.key]();
    else return false;
    return true;
  }

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (press(event)) event.preventDefault();
    event.stopPropagation();
  });
  filter.addEventListener("input", choose);
  filter.addEventListener("focus", mark);
  filter.addEventListener("blur", mark);

  // JupyterLab listens first and would cut the cell at x; this attribute tells it not to, while
  // keys with Ctrl or Cmd, such as save, stay its own.
  const guard = (event) =>
    root.toggleAttribute("data-lm-suppress-shortcuts", !(event.ctrlKey || event.metaKey || event.altKey));
  window.addEventListener("keydown", guard, true);
  model.on("change:row", update);
  update();

  // Ready for keys at once, unless the user is typing somewhere else by now.
  const busy = document.activeElement?.closest("input, textarea, [contenteditable='true']");
  if (!busy) requestAnimationFrame(() => root.focus({ preventScroll: true }));

  return () => {
    clearTimeout(waiting);
    window.removeEventListener("keydown", guard, true);
    model.off("change:row", update);
  };
}
