// What may be done next: the router and the rows into files, and lines of steps with cells of their own.

import { button, keepKeys, make, paragraphs, say } from "./dom.js";
import { explain } from "./terms.js";

/** @param {Act} act @param {ReturnType<typeof import("./seat.js").makeSeat>} seat */
export function makeSteps(act, seat) {
  const node = make("div", "tracer-steps");
  const row = make("div", "tracer-row");
  const save = button("Save the router", () => act.save());
  const kinds = [
    button("Rows as CSV", () => act.write("csv")),
    button("Rows as Parquet", () => act.write("parquet")),
  ];
  const said = make("span", "tracer-small");
  said.setAttribute("role", "status");
  const second = make("div", "tracer-row");
  const update = button("", () => act.update());
  second.append(update);
  const plan = make("div", "tracer-small");
  const told = make("div");
  const lines = make("div");
  const fourth = make("div", "tracer-row");
  const back = button("", () => act.back());
  fourth.append(back);
  const other = make("p", "tracer-small");
  const third = make("div", "tracer-row");
  const review = button("", () => {
    const opened = !seat.taken("mixed");
    seat.come(third, review);
    act.sit(opened);
  });
  third.append(review);
  row.append(save, ...kinds, said);
  node.append(make("h3", "", "What next"), row, second, plan, told, fourth, other, third, seat.node, lines);
  node.hidden = true;

  return {
    node,
    /** @param {any} values */
    set(values) {
      node.hidden = !(values?.save || values?.review);
      if (node.hidden) return;
      row.hidden = !values.save;
      for (const one of kinds) one.hidden = !values.export;
      say(review, values.review);
      third.hidden = !values.review;
      say(update, values.update);
      second.hidden = !values.update;
      plan.hidden = !values.plan.length;
      plan.replaceChildren(...paragraphs(values.plan));
      say(back, values.back);
      say(other, values.other);
      fourth.hidden = other.hidden = !values.back;
      told.hidden = !values.told.length;
      told.replaceChildren(make("b", "", "What came of the update"), ...paragraphs(values.told));
      for (const one of [plan, told, other]) explain(one);
      lines.replaceChildren(
        ...values.lines.map(({ words, line }) => {
          const part = make("p", "tracer-small", `${words}: `);
          part.append(keepKeys(make("code", "", line)));
          return part;
        }),
      );
    },
    /** @param {Reply} reply */
    hear(reply) {
      if (reply.written) say(said, reply.written);
    },
  };
}
