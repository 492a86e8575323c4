// Points of a map, without a page: what the kernel sent, where a point is, and what a line surrounds.

/** @typedef {{ n: number, x: Uint16Array, y: Uint16Array, row: Int32Array, status: Uint8Array, label: Uint16Array }} Points */

const CELLS = 128; // along each axis of what is sought in
const SHIFT = 9; // 65,536 places in 128 cells

// A message's parts begin anywhere; numbers of several bytes need a place of their own.
/** @param {DataView} part */
const own = (part) => part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength);

/** @param {any} map @returns {Points} */
export function readPoints(map) {
  return {
    n: map.n,
    x: new Uint16Array(own(map.x)),
    y: new Uint16Array(own(map.y)),
    row: new Int32Array(own(map.row)),
    status: new Uint8Array(own(map.status)),
    label: new Uint16Array(own(map.label)),
  };
}

// Which points stand in each cell: `starts[c]` to `starts[c + 1]` of `order`.
/** @param {Points} points */
export function makeGrid({ n, x, y }) {
  const starts = new Uint32Array(CELLS * CELLS + 1);
  const cell = (i) => (y[i] >> SHIFT) * CELLS + (x[i] >> SHIFT);
  for (let i = 0; i < n; i++) starts[cell(i) + 1] += 1;
  for (let c = 0; c < CELLS * CELLS; c++) starts[c + 1] += starts[c];
  const order = new Uint32Array(n);
  const next = starts.slice();
  for (let i = 0; i < n; i++) order[next[cell(i)]++] = i;
  return { starts, order };
}

// The point nearest to a place, not farther than `most`, that `shown` has; -1 for none.
export function nearest(points, { starts, order }, px, py, most, shown = (_i) => true) {
  const bound = (v) => Math.max(0, Math.min(CELLS - 1, v >> SHIFT));
  let [best, at] = [most * most, -1];
  for (let row = bound(py - most); row <= bound(py + most); row++) {
    const first = row * CELLS + bound(px - most);
    const last = row * CELLS + bound(px + most);
    for (let k = starts[first]; k < starts[last + 1]; k++) {
      const i = order[k];
      const d = (points.x[i] - px) ** 2 + (points.y[i] - py) ** 2;
      if (d <= best && shown(i)) [best, at] = [d, i];
    }
  }
  return at;
}

// Points inside a closed line, by how often a ray crosses it.
/** @param {Points} points @param {[number, number][]} line */
export function surrounded({ n, x, y }, line, shown = (_i) => true) {
  const found = [];
  const xs = line.map(([px]) => px);
  const ys = line.map(([, py]) => py);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  for (let i = 0; i < n; i++) {
    const [px, py] = [x[i], y[i]];
    if (px < left || px > right || py < top || py > bottom || !shown(i)) continue;
    let inside = false;
    for (let a = 0, b = line.length - 1; a < line.length; b = a++) {
      if (ys[a] > py === ys[b] > py) continue;
      if (px < ((xs[b] - xs[a]) * (py - ys[a])) / (ys[b] - ys[a]) + xs[a]) inside = !inside;
    }
    if (inside) found.push(i);
  }
  return found;
}
