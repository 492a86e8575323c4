// The column as points; drawn when the tab is opened, and again when it is asked for.

import { button, make, say } from "./dom.js";
import { makeChoice } from "./rows.js";
import { makeScatter } from "./scatter.js";

const MOST = 10000; // rows of one line that the kernel is asked for

/** @param {(what: Press) => void} send @param {(where: Where) => void} open */
export function makeMap(send, open) {
  const node = make("div");
  const row = make("div", "tracer-row");
  const method = make("select");
  const colour = make("select");
  for (const [field, values] of [
    [method, { "t-sne": "t-SNE", pca: "principal components", umap: "UMAP, if installed" }],
    [colour, { status: "agreement", label: "label" }],
  ]) {
    for (const [value, text] of Object.entries(values)) {
      field.append(Object.assign(make("option", "", text), { value }));
    }
  }
  const again = button("Draw again", ask);
  const said = make("span", "tracer-small");
  said.setAttribute("role", "status");
  const scatter = makeScatter({
    pick: (at) => open({ row: at }),
    select(rows) {
      const cut = rows.length > MOST;
      say(
        said,
        cut ? `The first ${MOST.toLocaleString("en-GB")} of ${rows.length.toLocaleString("en-GB")}` : "",
      );
      open({ lasso: rows.slice(0, MOST) });
    },
    ask: (at) => send({ do: "point", row: at }),
  });
  method.addEventListener("change", ask);
  colour.addEventListener("change", () => scatter.setColour(colour.value));
  row.append(makeChoice("Layout", method), makeChoice("Colour", colour), again, said);
  node.append(row, scatter.node);
  let asked = false;

  function ask() {
    asked = true;
    say(said, "Drawing… (some seconds)");
    send({ do: "map", method: method.value });
  }

  return {
    node,
    scatter,
    opened: () => !asked && ask(),
    /** @param {any} values */
    set(values) {
      scatter.set(values);
      asked = asked || Boolean(values?.n); // a page that was reloaded has it
    },
    /** @param {Reply} reply */
    hear(reply) {
      if (reply.point !== undefined) {
        scatter.hear(reply.point);
        return;
      }
      if (!reply.map) {
        if (reply.heard !== undefined && said.textContent.startsWith("Drawing…")) say(said, "");
        return;
      }
      asked = !reply.map.empty;
      say(said, reply.map.empty ? "Nothing is labelled yet." : "");
    },
  };
}
