// Where surrogate and teacher part: in sentences, by label, label against label, by the gate's
// score, by groups of rows, and row by row. What takes the kernel seconds it looks for when the
// tab is open; `act` asks for it, and for rows.

import { makeChart } from "./chart.js";
import { button, make, paragraphs, say } from "./dom.js";
import { makeTable } from "./table.js";

/** @param {Act | null} act */
export function makeGaps(act) {
  const open = act?.open;
  const node = make("div");
  const empty = make("p", "tracer-empty", "Nothing to compare yet: gaps show once the surrogate is fitted.");
  const state = make("p", "tracer-empty");
  state.setAttribute("role", "status");
  const again = button("Look again", () => act?.analyse());
  const lines = make("div");
  const sentences = make("div");
  const charts = {
    lost: makeChart("Coverage that is handled, and where the rest is lost"),
    agreement: makeChart(
      "Agreement with the teacher for each label",
      open && (({ index }) => index !== undefined && open({ bar: index })),
    ),
    confusion: makeChart(
      "The teacher's labels against the surrogate's",
      open && (({ i, j }) => i !== undefined && open({ cell: [i, j] })),
    ),
    reliability: makeChart(
      "Observed agreement against the gate's score",
      open && (({ index }) => index !== undefined && open({ bin: index })),
    ),
    slices: makeChart(
      "Agreement in groups of rows against elsewhere",
      open && (({ index }) => index !== undefined && open({ slice: index })),
    ),
  };
  const tables = {
    gains: makeTable(null), // nothing to look at or to review
    slices: makeTable(act, { folded: Boolean(act) }),
    pairs: makeTable(act),
    suspects: makeTable(act),
  };
  const titles = {};
  for (const [name, text] of [
    ["lost", "Where coverage is lost"],
    ["agreement", "By label"],
    ["slices", "Groups of rows that disagree more"],
  ]) {
    titles[name] = make("h3", "", text);
    titles[name].hidden = true;
  }
  node.append(empty, state, again, lines, titles.lost, charts.lost.node, sentences);
  node.append(tables.gains.node);
  node.append(titles.agreement, charts.agreement.node, charts.confusion.node);
  node.append(charts.reliability.node, titles.slices, charts.slices.node, tables.slices.node);
  node.append(tables.pairs.node, tables.suspects.node);
  let wanted = false; // the kernel has not looked yet
  again.hidden = true;

  function ask() {
    if (act && wanted && !node.hidden) act.analyse();
  }

  return {
    node,
    charts,
    set(values) {
      wanted = values.state === "open";
      say(state, act ? values.words : "");
      state.hidden = !state.textContent;
      again.hidden = !act || values.state !== "failed";
      lines.replaceChildren(...paragraphs(values.lines));
      sentences.replaceChildren(...paragraphs(values.lost));
      for (const [name, table] of Object.entries(tables)) table.set(values.tables[name]);
      ask();
    },
    // Titles stand above what there is.
    setEmpty() {
      for (const [name, title] of Object.entries(titles)) title.hidden = charts[name].node.hidden;
      empty.hidden = !charts.agreement.node.hidden || !charts.confusion.node.hidden;
    },
    opened() {
      node.hidden = false; // as the tab makes it next
      ask();
    },
    hear(reply) {
      for (const table of Object.values(tables)) table.hear(reply);
    },
  };
}
