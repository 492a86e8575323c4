// Whether the promise still holds: what audits of handled rows tell, and how to audit.

import { makeChart } from "./chart.js";
import { button, make, paragraphs, say } from "./dom.js";
import { explain } from "./terms.js";

/** @param {Act | null} act */
export function makeAudits(act) {
  const node = make("div");
  const lines = make("div");
  const chart = makeChart("Agreement on audited texts over the number of audits");
  const how = make("p");
  const code = make("pre", "tracer-magic");
  const audit = button("", () => act?.audit());
  audit.hidden = true;
  node.append(lines, chart.node, audit, how, code);
  return {
    node,
    chart,
    set(values) {
      lines.dataset.kind = values.state === "alarm" ? "refused" : "";
      lines.replaceChildren(...paragraphs(values.lines));
      explain(lines);
      audit.hidden = !act || !values.button;
      say(audit, values.button ?? "");
      // A report has no kernel that could audit.
      how.hidden = code.hidden = !values.line;
      say(how, values.how);
      say(code, values.line);
    },
  };
}
