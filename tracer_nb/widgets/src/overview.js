// What is saved, and what is promised: in words and as a curve.

import { makeControl } from "./control.js";
import { make, paragraphs, say } from "./dom.js";

export function makeOverview(frontier, targets, choose) {
  const node = make("div");
  const lead = make("p", "tracer-lead");
  const head = make("p", "tracer-promise");
  const facts = make("div", "tracer-facts");
  const lines = make("div");
  const evidence = make("p", "tracer-small");
  const control = makeControl(frontier, targets, choose);
  node.append(lead, facts, head, frontier.node, control.node, targets.node, lines, evidence);
  return {
    node,
    control,
    /** @param {Overview} page */
    set({ kind, bill, head: words, facts: figures, lines: sentences, evidence: proof }) {
      head.dataset.kind = kind;
      say(lead, bill);
      lead.hidden = !bill;
      facts.classList.toggle("tracer-leading", Boolean(bill));
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
      say(evidence, proof ?? "");
    },
  };
}
