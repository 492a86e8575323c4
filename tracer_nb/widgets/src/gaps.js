// Where surrogate and teacher part: the three findings that matter, and below, folded, by label,
// by groups of rows, and row by row. What takes the kernel seconds it looks for when the tab is
// open; `act` asks for it, and for rows.

import { makeChart } from "./chart.js";
import { button, keepKeys, make, paragraphs, say } from "./dom.js";
import { makeTable } from "./table.js";

/** @param {Act | null} act */
export function makeGaps(act) {
  const open = act?.open;
  const node = make("div");
  const empty = make("p", "tracer-empty", "Nothing to compare yet: gaps show once the surrogate is fitted.");
  const state = make("p", "tracer-empty");
  state.setAttribute("role", "status");
  const again = button("Look again", () => act?.analyse());
  const first = make("div");
  const lines = make("div");
  const sentences = make("div");
  const charts = {
    lost: makeChart("Rows that the surrogate answers, and why not the others"),
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
    slices: makeTable(act),
    pairs: makeTable(act),
    suspects: makeTable(act),
  };
  /** @type {[string, ...{ node: any }[]][]} */
  const groups = [
    ["Which labels are taken for each other", charts.agreement, charts.confusion],
    ["What would let the surrogate answer more rows", charts.lost, { node: sentences }, tables.gains],
    ["Groups of rows that disagree more", charts.slices, tables.slices],
    ["Rows to look at", tables.suspects, tables.pairs],
    ["Whether the gate's scores can be believed", charts.reliability],
    ["Everything in sentences", { node: lines }],
  ];
  const parts = groups.map(([title, ...inner]) => {
    const part = make("details", "tracer-part");
    part.append(keepKeys(make("summary", "", title)), ...inner.map((one) => one.node));
    part.open = !act; // on paper nothing can be opened
    return { part, inner };
  });
  node.append(empty, state, again, first, ...parts.map(({ part }) => part));
  let wanted = false; // the kernel has not looked yet
  again.hidden = true;

  function ask() {
    if (act && wanted && !node.hidden) act.analyse();
  }

  // A part stands where there is something in it.
  function fold() {
    for (const { part, inner } of parts) {
      part.hidden = inner.every((one) => one.node.hidden || !one.node.childNodes.length);
    }
  }

  return {
    node,
    charts,
    set(values) {
      wanted = values.state === "open";
      say(state, act ? values.words : "");
      state.hidden = !state.textContent;
      again.hidden = !act || values.state !== "failed";
      first.replaceChildren(
        ...values.first.map(({ words, where }) => {
          const found = make("div", "tracer-finding");
          found.append(...paragraphs([words]));
          if (open && Object.keys(where).length) found.append(button("Show", () => open(where)));
          return found;
        }),
      );
      lines.replaceChildren(...paragraphs(values.lines));
      sentences.replaceChildren(...paragraphs(values.lost));
      for (const [name, table] of Object.entries(tables)) table.set(values.tables[name]);
      fold();
      ask();
    },
    setEmpty() {
      fold();
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
