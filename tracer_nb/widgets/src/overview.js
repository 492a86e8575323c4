// What is saved, and what is promised: in words and as a curve.

import { makeControl } from "./control.js";
import { keepKeys, make, paragraphs, say } from "./dom.js";
import { makeTable } from "./table.js";
import { explain, makeWords } from "./terms.js";

export function makeOverview(frontier, targets, choose) {
  const node = make("div");
  const lead = make("p", "tracer-lead");
  const head = make("p", "tracer-promise");
  const facts = make("div", "tracer-facts");
  const lines = make("div");
  const meaning = make("details", "tracer-meaning");
  const long = make("div", "tracer-small");
  meaning.append(make("summary", "", "What this means"), long);
  const card = make("details");
  const written = keepKeys(make("pre", "tracer-code tracer-card-text"));
  // By keys alone one can scroll only what has the focus.
  written.tabIndex = 0;
  card.append(make("summary", "", "Model card (Markdown)"), written);
  const members = make("div");
  const control = makeControl(frontier, targets, choose);
  node.append(lead, facts, head, meaning, lines, frontier.node, control.node, targets.node);
  node.append(members, card, makeWords());
  return {
    node,
    control,
    /** @param {Overview} page */
    set({
      kind,
      bill,
      leads,
      head: words,
      facts: figures,
      lines: sentences,
      meaning: said,
      card: text,
      tables,
    }) {
      head.dataset.kind = kind;
      say(lead, bill);
      lead.hidden = !bill;
      facts.classList.toggle("tracer-leading", leads);
      say(head, words);
      facts.hidden = !figures.length;
      facts.replaceChildren(
        ...figures.map(({ value, name }) => {
          const cell = make("div");
          cell.append(make("b", "", value), make("span", "", name));
          return cell;
        }),
      );
      lines.replaceChildren(...paragraphs(sentences));
      long.replaceChildren(...paragraphs(said));
      meaning.hidden = !said.length;
      for (const part of [facts, head, long, lines]) explain(part);
      say(written, text);
      card.hidden = !text;
      members.replaceChildren(
        ...tables.map((values) => {
          const table = makeTable(null, values);
          table.set(values);
          return table.node;
        }),
      );
    },
  };
}
