// A table of what was found. With `act`, each row can be looked at, and sent to review.

import { button, keepKeys, make, say } from "./dom.js";

const FEW = 10; // rows that show at first

/** @param {Act | null} act */
export function makeTable(act, { folded = false } = {}) {
  const node = make("div", "tracer-found");
  node.hidden = true;
  const title = make(folded ? "summary" : "h3");
  const table = make("table");
  const scroll = make("div", "tracer-scroll");
  const said = make("p", "tracer-small");
  said.setAttribute("role", "status");
  const every = button("", () => show(true));
  scroll.append(table);
  if (folded) {
    const details = node.appendChild(make("details"));
    details.append(keepKeys(title), scroll, every, said);
  } else {
    node.append(title, scroll, every, said);
  }
  let lines = [];
  const sent = new Set();

  function makeLine({ cells, where }) {
    const line = make("tr");
    line.append(...cells.map((text) => make("td", "", text)));
    if (!act) return line;
    const acts = line.appendChild(make("td", "tracer-acts"));
    const about = where.row === undefined ? cells.slice(0, 2).join(" ") : `row ${where.row}`;
    const look = button("Show", () => act.open(where));
    look.setAttribute("aria-label", `Show ${about}`);
    acts.append(look);
    if (where.row !== undefined) {
      const review = button("Review", () => {
        sent.add(where.row);
        act.review(where.row);
      });
      review.setAttribute("aria-label", `Send ${about} to review`);
      acts.append(review);
    }
    return line;
  }

  function show(all) {
    const shown = all || !act ? lines : lines.slice(0, FEW);
    table.tBodies[0].replaceChildren(...shown.map(makeLine));
    every.hidden = shown.length === lines.length;
    say(every, `Show all ${lines.length}`);
  }

  return {
    node,
    /** @param {Found | undefined} values */
    set(values) {
      const any = values?.rows.length;
      node.hidden = !any;
      if (!values || !any) return;
      say(title, values.title);
      const head = make("tr");
      head.append(...[...values.head, ...(act ? [""] : [])].map((text) => make("th", "", text)));
      const top = make("thead");
      top.append(head);
      table.replaceChildren(top, make("tbody"));
      lines = values.rows;
      sent.clear();
      say(said, "");
      show(false);
    },
    /** @param {Reply} reply */
    hear(reply) {
      if (reply.done && sent.has(reply.done.row)) {
        say(said, `Row ${reply.done.row}: ${reply.done.words}`);
      }
    },
  };
}
