// Whether the promise still holds: what audits of handled rows tell, and how to audit.

import { makeChart } from "./chart.js";
import { make, paragraphs, say } from "./dom.js";

export function makeAudits() {
  const node = make("div");
  const lines = make("div");
  const chart = makeChart("Agreement on audited texts over the number of audits");
  const how = make("p");
  const code = make("pre", "tracer-magic");
  node.append(lines, chart.node, how, code);
  return {
    node,
    chart,
    set(values) {
      lines.dataset.kind = values.state === "alarm" ? "refused" : "";
      lines.replaceChildren(...paragraphs(values.lines));
      // A report has no kernel that could audit.
      how.hidden = code.hidden = !values.line;
      say(how, values.how);
      say(code, values.line);
    },
  };
}
