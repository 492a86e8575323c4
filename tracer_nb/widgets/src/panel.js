// The panel: it shows what the kernel says, and sends what is pressed.

import { makeAudits } from "./audits.js";
import { makeChart } from "./chart.js";
import { make, newId } from "./dom.js";
import { makeGaps } from "./gaps.js";
import { DEAF, interrupt, makeLink, watchCell } from "./kernel.js";
import { makeMap } from "./map.js";
import { makeOverview } from "./overview.js";
import { makeHead, makeRunTab } from "./progress.js";
import { makeExplorer } from "./rows.js";
import { makeSeat } from "./seat.js";
import { makeSettings } from "./settings.js";
import { makeSteps } from "./steps.js";
import { makeTabs } from "./tabs.js";
import { followTheme } from "./theme.js";

// What shows figures, in a notebook as in a report: parts, and what each trait changes.
// `act` holds what a kernel is needed for; a report has none.
/** @param {Act | null} act */
function makeFigures(act) {
  const frontier = makeChart("Agreement with the teacher against coverage");
  const targets = makeChart("Coverage against the target");
  const overview = makeOverview(frontier, targets, act?.choose);
  const gaps = makeGaps(act);
  const audits = makeAudits(act);
  const run = makeRunTab();
  const charts = { frontier, targets, ...gaps.charts, watch: audits.chart, ...run.charts };
  const setters = {
    sheet: (sheet) => overview.set(sheet.overview),
    live: (live) => run.setLive(live),
    targets: (values) => overview.control.set(values),
    gaps: (values) => gaps.set(values),
    audits: (values) => audits.set(values),
  };
  for (const [name, chart] of Object.entries(charts)) {
    setters[`data_${name}`] = (rows) => {
      chart.setData(rows);
      if (name === "frontier") overview.control.setCurve(rows.curve);
    };
    // After the data, so that a chart is drawn with its own.
    setters[`spec_${name}`] = (spec) => {
      chart.setSpec(spec);
      gaps.setEmpty();
    };
  }
  return { overview, gaps, audits, run, charts, setters };
}

/** @param {{ model: Model, el: HTMLElement }} view */
export function render({ model, el }) {
  const viewer = newId("view");
  const root = make("div", "tracer-panel");
  const send = (/** @type {Press} */ what) => link.send(what);
  const explorer = makeExplorer(send, (row) => act.review(row));
  /** @type {Act} */
  const act = {
    choose: (value) => send({ do: "target", value }),
    open: (where) => explorer.open(where),
    review: (row) => {
      seat.come(explorer.top, document.activeElement);
      send({ do: "review", row });
    },
    analyse: () => send({ do: "gaps" }),
    audit: () => send({ do: "audit" }),
    update: () => send({ do: "update" }),
    back: () => send({ do: "back" }),
    save: () => send({ do: "save" }),
    write: (kind) => send({ do: "export", kind }),
    sit: (opened) => send({ do: "sit", opened }),
  };
  const figures = makeFigures(act);
  const seat = makeSeat(model, send);
  const steps = makeSteps(act, seat);
  figures.overview.node.append(steps.node);
  const map = makeMap(send, (where) => explorer.open(where));
  const { charts } = figures;
  const settings = makeSettings(send);
  const head = makeHead(press);
  // The rows stand below the charts that they come from.
  const below = (body) => () => body.append(explorer.node);
  const tabs = makeTabs([
    { name: "Overview", body: figures.overview.node },
    { name: "Run", body: figures.run.node },
    {
      name: "Gaps",
      body: figures.gaps.node,
      opened: () => {
        below(figures.gaps.node)();
        figures.gaps.opened();
      },
    },
    { name: "Audit", body: figures.audits.node },
    {
      name: "Map",
      body: map.node,
      opened: () => {
        below(map.node)();
        map.opened();
      },
    },
    { name: "Settings", body: settings.node },
  ]);
  root.append(head.node, tabs.node);
  el.replaceChildren(root);

  // A panel that lives takes the place of the still figures beside it.
  const hide = make("style", "", `[data-tracer-static="${model.get("static")}"]{display:none}`);
  const link = makeLink(model, {
    alive: () => root.append(hide),
    silent: (words) => head.setSilence(words),
    ended: () => {
      head.setGone();
      settings.setLocked(true);
    },
    heard: (reply) => {
      for (const part of [settings, explorer, map, figures.gaps, steps]) part.hear(reply);
    },
  });

  function press(name) {
    const { blocking } = model.get("sheet");
    if (blocking && name === "stop") {
      if (!interrupt(model.get("kernel"))) head.setSilence(DEAF);
      return;
    }
    send({ do: name });
  }

  /** @type {[string, () => void][]} */
  const listeners = Object.entries({
    ...figures.setters,
    map: (values) => map.set(values),
    steps: (values) => steps.set(values),
    review: (values) => seat.set(values),
    labels: (labels) => explorer.setLabels(labels),
    settings: (values) => settings.set(values),
  }).map(([trait, set]) => [`change:${trait}`, () => set(model.get(trait))]);
  listeners.push([
    "change:sheet",
    () => {
      const sheet = model.get("sheet");
      head.setSheet(sheet);
      settings.setLocked(sheet.state === "running");
    },
  ]);
  listeners.push(["change:live", () => head.setLive(model.get("live"))]);
  for (const [event, listen] of listeners) {
    listen();
    model.on(event, listen);
  }
  const themed = [...Object.values(charts), map.scatter];
  const unfollow = followTheme(root, (theme) => {
    for (const part of themed) part.setTheme(theme);
  });
  const unwatch = watchCell(el, () => {
    if (model.get("sheet").blocking) interrupt(model.get("kernel"));
  });
  send({ do: "hello", viewer });

  return () => {
    send({ do: "bye", viewer });
    for (const [event, listen] of listeners) model.off(event, listen);
    link.close();
    seat.close();
    unfollow();
    unwatch();
    for (const part of themed) part.close();
  };
}

/** @param {string} id @returns {HTMLElement} */
function place(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`the page has no ${id}`);
  return node;
}

// A page of its own, with the same figures one below the other.
export function mountReport() {
  const values = JSON.parse(place("tracer-values").textContent ?? "");
  const root = make("div", "tracer-panel tracer-still");
  const figures = makeFigures(null);
  root.append(make("h1", "", values.title));
  const colophon = make("p", "tracer-small");
  for (const [name, value] of values.colophon ?? []) {
    colophon.append(make("b", "", `${name}: `), `${value} `);
  }
  root.append(colophon);
  const bill = make("div");
  bill.append(figures.charts.parts.node, figures.charts.bill.node);
  const labels = make("div");
  labels.append(figures.charts.counts.node);
  for (const [name, body] of [
    ["Overview", figures.overview.node],
    ["Bill", bill],
    ["Gaps", figures.gaps.node],
    ["Audit", figures.audits.node],
    ["Labels", labels],
  ]) {
    const part = root.appendChild(make("section"));
    part.append(make("h2", "", name), body);
  }
  place("tracer-report").replaceChildren(root);
  for (const [trait, set] of Object.entries(figures.setters)) {
    if (trait in values) set(values[trait]);
  }
  followTheme(root, (theme) => {
    for (const chart of Object.values(figures.charts)) chart.setTheme(theme);
  });
  // On paper nothing can be opened.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...root.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
}
