// State, progress and buttons: always in sight, whatever tab is open.

import { makeChart } from "./chart.js";
import { button, make, say } from "./dom.js";

const NAMES = { start: "Start", pause: "Pause", resume: "Resume", stop: "Stop" };

export function makeHead(press) {
  const node = make("div", "tracer-head");
  const state = make("span", "tracer-state");
  state.setAttribute("role", "status");
  const buttons = make("div", "tracer-buttons");
  const each = {};
  for (const [name, text] of Object.entries(NAMES)) {
    each[name] = button(text, () => press(name), `tracer-${name}`);
    buttons.append(each[name]);
  }
  const line = make("span", "tracer-line");
  const bar = make("div", "tracer-bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Progress of the run");
  const done = bar.appendChild(make("div"));
  const start = make("span", "tracer-small tracer-will");
  const message = make("div", "tracer-message");
  message.setAttribute("role", "alert");
  node.append(state, line, buttons, start, bar, message);
  let said = "";
  let silence = "";

  function tell() {
    say(message, silence || said);
    message.hidden = !message.textContent;
  }

  return {
    node,
    /** @param {Sheet} sheet */
    setSheet(sheet) {
      say(state, sheet.words);
      state.dataset.state = sheet.state;
      for (const [name, one] of Object.entries(each)) one.hidden = !sheet.actions.includes(name);
      say(start, sheet.start ?? "");
      start.hidden = !start.textContent;
      if (each.start.hidden === false) say(each.start, sheet.state === "done" ? "Run again" : NAMES.start);
      bar.hidden = sheet.state !== "running";
      said = sheet.message + direction(node, sheet.newer);
      tell();
    },
    /** @param {Live} live */
    setLive(live) {
      say(line, live.line);
      bar.classList.toggle("tracer-unknown", live.share === null);
      if (live.share === null) bar.removeAttribute("aria-valuenow");
      else bar.setAttribute("aria-valuenow", String(Math.round(100 * live.share)));
      done.style.width = live.share === null ? "" : `${100 * live.share}%`;
    },
    setSilence(words) {
      silence = words;
      tell();
    },
    // Nothing that is pressed would be heard.
    setGone() {
      for (const one of Object.values(each)) one.disabled = true;
    },
  };
}

// Where the newer result stands, as far as the page shows it.
/** @param {HTMLElement} node @param {string} name */
function direction(node, name) {
  const other = name && document.querySelector(`[data-tracer-static="${name}"]`);
  if (!other) return "";
  const below = node.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
  return below ? " It is below." : " It is above.";
}

export function makeRunTab() {
  const node = make("div");
  const empty = make("p", "tracer-empty", "Nothing has run yet.");
  const cells = make("div", "tracer-facts");
  const spent = make("div", "tracer-spent");
  const bar = make("div", "tracer-bar");
  const part = bar.appendChild(make("div"));
  bar.setAttribute("role", "meter");
  bar.setAttribute("aria-label", "Money spent, against the hard cap");
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  const words = make("span", "tracer-small");
  spent.append(bar, words);
  const charts = {
    bill: makeChart("The whole bill that is expected, against texts asked about"),
    parts: makeChart("Where the calls go: parts of the column's texts"),
    counts: makeChart("How often each label occurs"),
    spending: makeChart("Money spent over time"),
    rate: makeChart("Answers a second over time"),
  };
  node.append(empty, cells, spent, ...Object.values(charts).map((chart) => chart.node));
  return {
    node,
    charts,
    /** @param {Live} live */
    setLive(live) {
      while (cells.children.length > live.cells.length) cells.lastChild.remove();
      live.cells.forEach(({ name, value }, i) => {
        let cell = cells.children[i];
        if (!cell) {
          cell = cells.appendChild(make("div"));
          cell.append(make("b"), make("span"));
        }
        say(cell.children[0], value);
        say(cell.children[1], name);
      });
      cells.hidden = !live.cells.length;
      empty.hidden = !cells.hidden;
      const share = live.spent ?? null;
      spent.hidden = share === null;
      if (share === null) return;
      part.style.width = `${100 * share}%`;
      bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
      say(words, `${Math.round(100 * share)} % of the hard cap is spent`);
    },
  };
}
