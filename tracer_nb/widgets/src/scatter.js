// Points on a canvas: a hundred thousand are drawn within a frame or two. A click or a line drawn
// around some of them selects; the pointer at rest asks what a text says.

import { button, make, say } from "./dom.js";
import { makeGrid, nearest, readPoints, surrounded } from "./points.js";

const PLACES = 65535;
const HEIGHT = 460;
const MARGIN = 14;
const REACH = 9; // pixels
const REST = 120; // milliseconds
const FEW = 6000; // points that are drawn large and round
const RARE = "disagree";

/** @param {{ pick: (row: number) => void, select: (rows: number[]) => void, ask: (row: number) => void }} does */
export function makeScatter({ pick, select, ask }) {
  const node = make("div", "tracer-scatter");
  const title = make("p", "tracer-small");
  const legend = make("div", "tracer-legend");
  const place = make("div", "tracer-plane");
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", "Texts of the column as points");
  const canvas = place.appendChild(make("canvas"));
  const tip = place.appendChild(make("div", "tracer-tip"));
  tip.hidden = true;
  const tools = make("div", "tracer-row");
  const hint = make(
    "span",
    "tracer-small",
    "Draw a line around points to see their rows; click one for itself. Shift and drag moves, Ctrl and wheel zooms.",
  );
  tools.append(
    button("+", () => zoom(1.5)),
    button("−", () => zoom(1 / 1.5)),
    button("Whole map", () => {
      seen = { scale: 1, x: PLACES / 2, y: PLACES / 2 };
      soon();
    }),
    hint,
  );
  tools.children[0].setAttribute("aria-label", "Zoom in");
  tools.children[1].setAttribute("aria-label", "Zoom out");
  node.append(title, legend, place, tools);
  node.hidden = true;

  /** @type {any} */
  let map = null;
  /** @type {any} */
  let points = null; // read of it
  let grid = null;
  let by = "status";
  let theme = "light";
  let groups = []; // in the order in which they are drawn: name, colour, members, whether hidden
  let hidden = new Set();
  let seen = { scale: 1, x: PLACES / 2, y: PLACES / 2 };
  const size = { width: 0, height: HEIGHT };
  let line = null; // being drawn, in pixels
  let pressed = null;
  let asked = -1; // the row that the tip is about
  let timer = null;
  const known = new Map();

  const factor = () => [
    ((size.width - 2 * MARGIN) / PLACES) * seen.scale,
    ((size.height - 2 * MARGIN) / PLACES) * seen.scale,
  ];
  const toPixel = (x, y) => {
    const [fx, fy] = factor();
    return [(x - seen.x) * fx + size.width / 2, (y - seen.y) * fy + size.height / 2];
  };
  const toPlace = (px, py) => {
    const [fx, fy] = factor();
    return [(px - size.width / 2) / fx + seen.x, (py - size.height / 2) / fy + seen.y];
  };
  const labelGroup = (code) => Math.min(code, map.colours.label.length - 1);
  const groupOf = (i) => (by === "status" ? points.status[i] : labelGroup(points.label[i]));
  const shown = (i) => !hidden.has(groupOf(i));

  function sort() {
    const n = map.colours[by].length;
    const counts = new Uint32Array(n);
    for (let i = 0; i < points.n; i++) counts[groupOf(i)] += 1;
    const members = Array.from(counts, (count) => new Uint32Array(count));
    const filled = new Uint32Array(n);
    for (let i = 0; i < points.n; i++) {
      const group = groupOf(i);
      members[group][filled[group]++] = i;
    }
    const rest = map.names.length - (n - 1);
    const name = (g) => {
      if (by === "status") return map.statuses[g];
      if (g < n - 1) return map.names[g];
      return rest > 0 ? `${rest.toLocaleString("en-GB")} other labels` : "no label yet";
    };
    const order = by === "status" ? map.layering : [n - 1, ...Array(n - 1).keys()];
    groups = order
      .filter((g) => counts[g])
      .map((g) => ({ at: g, name: name(g), colour: map.colours[by][g], members: members[g] }));
    const heads = groups.map((group) => {
      const head = button("", () => {
        if (!hidden.delete(group.at)) hidden.add(group.at);
        head.setAttribute("aria-pressed", String(!hidden.has(group.at)));
        soon();
      });
      const mark = make("span", "tracer-mark");
      mark.dataset.colour = group.colour;
      head.append(mark, `${group.name} ${group.members.length.toLocaleString("en-GB")}`);
      head.setAttribute("aria-pressed", "true");
      head.title = "Show or hide these points";
      return head;
    });
    legend.replaceChildren(...heads.reverse());
    paint();
  }

  const shade = (colour) => SHADES[theme][colour] ?? colour;

  function paint() {
    for (const mark of legend.querySelectorAll(".tracer-mark")) {
      mark.style.background = shade(mark.dataset.colour);
    }
    soon();
  }

  let waiting = false;
  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  }

  function draw() {
    size.width = place.clientWidth;
    if (!points || !size.width) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = size.width * ratio;
    canvas.height = size.height * ratio;
    canvas.style.height = `${size.height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const [fx, fy] = factor();
    const [dx, dy] = [size.width / 2 - seen.x * fx, size.height / 2 - seen.y * fy];
    const few = points.n <= FEW;
    const width = few ? 6 : Math.min(5, (points.n > 30000 ? 2 : 3) * Math.sqrt(seen.scale));
    for (const { at, name, colour, members } of groups) {
      if (hidden.has(at)) continue;
      pen.fillStyle = shade(colour);
      const rare = name === RARE;
      pen.globalAlpha = rare ? 1 : few ? 0.85 : 0.7;
      const side = rare ? width + 3 : width;
      if (few && !rare) {
        pen.beginPath();
        for (const i of members) {
          const [px, py] = [points.x[i] * fx + dx, points.y[i] * fy + dy];
          pen.moveTo(px + side / 2, py);
          pen.arc(px, py, side / 2, 0, 7);
        }
        pen.fill();
        continue;
      }
      for (let k = 0; k < members.length; k++) {
        const i = members[k];
        pen.fillRect(points.x[i] * fx + dx - side / 2, points.y[i] * fy + dy - side / 2, side, side);
      }
    }
    pen.globalAlpha = 1;
    if (line && line.length > 1) {
      pen.strokeStyle = getComputedStyle(node).color;
      pen.lineWidth = 1.5;
      pen.setLineDash([5, 4]);
      pen.beginPath();
      for (const [px, py] of line) pen.lineTo(px, py);
      pen.closePath();
      pen.stroke();
    }
  }

  function zoom(times, [x, y] = [seen.x, seen.y]) {
    const scale = Math.max(1, Math.min(60, seen.scale * times));
    const kept = seen.scale / scale;
    seen = { scale, x: x + (seen.x - x) * kept, y: y + (seen.y - y) * kept };
    soon();
  }

  const where = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  function under([px, py]) {
    if (!points) return -1;
    const [x, y] = toPlace(px, py);
    return nearest(points, grid, x, y, REACH / factor()[0], shown);
  }

  function leave() {
    clearTimeout(timer);
    asked = -1;
    tip.hidden = true;
  }

  function tell(row, words) {
    known.set(row, words);
    if (row === asked) tip.replaceChildren(...words.map((text, i) => make(i ? "span" : "b", "", text)));
  }

  function rest(at) {
    const i = under(at);
    if (i < 0) return leave();
    const row = points.row[i];
    if (row === asked) return;
    leave();
    asked = row;
    const [px, py] = toPixel(points.x[i], points.y[i]);
    tip.style.left = `${Math.max(4, Math.min(px + 12, size.width - 330))}px`;
    tip.style.top = `${py + 12}px`;
    tip.hidden = false;
    const label = map.names[points.label[i]] ?? "none yet";
    tip.replaceChildren(make("b", "", `row ${row.toLocaleString("en-GB")}`), make("span", "", label));
    if (known.has(row)) tell(row, known.get(row));
    else timer = setTimeout(() => ask(row), REST);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pressed = { at: where(event), moves: event.shiftKey };
    line = event.shiftKey ? null : [pressed.at];
    canvas.setPointerCapture(event.pointerId);
    leave();
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = where(event);
    if (!pressed) return rest(at);
    if (pressed.moves) {
      const [fx, fy] = factor();
      seen.x -= (at[0] - pressed.at[0]) / fx;
      seen.y -= (at[1] - pressed.at[1]) / fy;
      pressed.at = at;
    } else line.push(at);
    soon();
  });
  canvas.addEventListener("pointerup", (event) => {
    const drawn = line;
    const was = pressed;
    [line, pressed] = [null, null];
    soon();
    if (!was || was.moves || !points) return;
    const [px, py] = where(event);
    const far = drawn.some(([x, y]) => Math.hypot(x - was.at[0], y - was.at[1]) > 4);
    if (!far) {
      const i = under([px, py]);
      if (i >= 0) pick(points.row[i]);
      return;
    }
    const rows = surrounded(
      points,
      drawn.map(([x, y]) => /** @type {[number, number]} */ (toPlace(x, y))),
      shown,
    ).map((i) => points.row[i]);
    if (rows.length) select(rows);
  });
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      const [x, y] = toPlace(...where(event));
      zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, [x, y]);
    },
    { passive: false },
  );
  const sizes = new ResizeObserver(soon);
  sizes.observe(place);

  return {
    node,
    set(next) {
      map = next?.n ? next : null;
      node.hidden = map === null;
      if (map === null) return;
      points = readPoints(map);
      grid = makeGrid(points);
      known.clear();
      hidden = new Set();
      seen = { scale: 1, x: PLACES / 2, y: PLACES / 2 };
      say(title, map.title.join(". "));
      sort();
    },
    setColour(next) {
      by = next;
      hidden = new Set();
      if (map) sort();
    },
    setTheme(next) {
      theme = next;
      node.dataset.theme = next;
      paint();
    },
    // What the kernel says of a point.
    /** @param {ShownRow | null} row */
    hear(row) {
      if (!row) return;
      const said = [`teacher: ${row.teacher ?? "none"}`, `surrogate: ${row.surrogate ?? "none"}`, row.status];
      tell(row.row, [row.text, `${said.join(" · ")}${row.score ? ` · gate score ${row.score}` : ""}`]);
    },
    close: () => sizes.disconnect(),
  };
}
