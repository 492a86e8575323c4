// The column as points; drawn when the tab is opened, and again when it is asked for.

import { makeChart } from "./chart.js";
import { button, make, say } from "./dom.js";
import { makeChoice } from "./rows.js";

/** @param {(what: Press) => void} send @param {(where: Where) => void} open */
export function makeMap(send, open) {
  const node = make("div");
  const row = make("div", "tracer-row");
  const method = make("select");
  const colour = make("select");
  for (const [field, values] of [
    [
      method,
      { pca: "principal components, at once", "t-sne": "t-SNE, some seconds", umap: "UMAP, some seconds" },
    ],
    [colour, { status: "status", label: "label" }],
  ]) {
    for (const [value, text] of Object.entries(values)) {
      field.append(Object.assign(make("option", "", text), { value }));
    }
    field.addEventListener("change", ask);
  }
  const again = button("Draw again", ask);
  const said = make("span", "tracer-small");
  said.setAttribute("role", "status");
  const chart = makeChart(
    "Texts of the column as points",
    ({ row: at }) => at !== undefined && open({ row: at }),
    "canvas",
  );
  row.append(makeChoice("Layout", method), makeChoice("Colour", colour), again, said);
  node.append(row, chart.node);
  let asked = false;

  function ask() {
    asked = true;
    say(said, "Drawing…");
    send({ do: "map", method: method.value, colour: colour.value });
  }

  return {
    node,
    chart,
    opened: () => !asked && ask(),
    /** @param {Reply} reply */
    hear(reply) {
      if (!reply.map) {
        if (reply.heard !== undefined && said.textContent === "Drawing…") say(said, "");
        return;
      }
      asked = !reply.map.empty;
      say(said, reply.map.empty ? "Nothing is labelled yet." : "");
    },
  };
}
