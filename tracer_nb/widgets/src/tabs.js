// Tabs after the ARIA pattern: arrow keys, Home and End move, one of them is in the tab order.

import { button, keepKeys, make, newId } from "./dom.js";

export function makeTabs(tabs) {
  const node = make("div", "tracer-tabs");
  const list = make("div", "tracer-tablist");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Parts of the panel");
  node.append(list);
  const heads = tabs.map(({ name, body }, i) => {
    const head = button(name, () => open(i));
    head.id = newId("tab");
    body.id = newId("part");
    head.setAttribute("role", "tab");
    head.setAttribute("aria-controls", body.id);
    body.setAttribute("role", "tabpanel");
    body.setAttribute("aria-labelledby", head.id);
    keepKeys(body).tabIndex = 0;
    list.append(head);
    node.append(body);
    return head;
  });

  function open(at) {
    tabs[at].opened?.();
    tabs.forEach(({ body }, i) => {
      heads[i].setAttribute("aria-selected", String(i === at));
      heads[i].tabIndex = i === at ? 0 : -1;
      body.hidden = i !== at;
    });
  }

  list.addEventListener("keydown", (event) => {
    const at = heads.indexOf(document.activeElement);
    const last = heads.length - 1;
    const to = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    open(to);
    heads[to].focus();
  });
  open(0);
  return { node, open };
}
