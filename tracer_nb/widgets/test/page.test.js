// The pure parts of the page, and that the file which the package ships is made of these sources.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { bundled } from "../build.js";
import { broken } from "../src/chart.js";
import { percent } from "../src/control.js";
import { makeGrid, nearest, readPoints, surrounded } from "../src/points.js";
import { matching, plain, toggled } from "../src/review.js";
import { pieces } from "../src/terms.js";
import { inShades } from "../src/theme.js";

test("page.js is made of these sources", async () => {
  const shipped = await readFile(new URL("../page.js", import.meta.url), "utf8");
  assert.equal(shipped, await bundled(), "run: npm run build");
});

test("a line is broken between words, and no word is lost", () => {
  assert.deepEqual(broken("one two three", 7), ["one two", "three"]);
  assert.deepEqual(broken("unbreakable", 4), ["unbreakable"]);
  assert.deepEqual(broken("", 10), []);
  const line = "With 95 % confidence at least 92 % of the rows agree";
  for (const most of [8, 20, 60]) assert.equal(broken(line, most).join(" "), line);
});

test("a share is a percentage with one digit at the most", () => {
  assert.equal(percent(0.92), "92 %");
  assert.equal(percent(0.9215), "92.2 %");
  assert.equal(percent(1), "100 %");
});

test("labels match by all words, in any case, and those that begin so come first", () => {
  const labels = ["lost card", "card_lost", "card arrival", "refund"];
  assert.deepEqual(matching(labels, "card"), ["card_lost", "card arrival", "lost card"]);
  assert.deepEqual(matching(labels, "LOST card"), ["lost card", "card_lost"]);
  assert.deepEqual(matching(labels, " "), labels);
  assert.deepEqual(matching(labels, "xyz"), []);
  assert.deepEqual(labels, ["lost card", "card_lost", "card arrival", "refund"]);
  assert.equal(plain(" Card__Lost-now "), "card lost now");
});

test("a label is turned on, and off again, and what was on stays", () => {
  const before = ["card"];
  assert.deepEqual(toggled(before, "fee"), ["card", "fee"]);
  assert.deepEqual(toggled(["card", "fee"], "card"), ["fee"]);
  assert.deepEqual(toggled([], "card"), ["card"]);
  assert.deepEqual(before, ["card"]);
});

test("a specification takes the colours of the theme, and is not changed itself", () => {
  globalThis.SHADES = { light: {}, dark: { "#112233": "#eeddcc" } };
  const spec = { mark: { color: "#112233" } };
  assert.deepEqual(inShades(spec, "dark"), { mark: { color: "#eeddcc" } });
  assert.deepEqual(inShades(spec, "light"), spec);
  assert.equal(spec.mark.color, "#112233");
});

test("points are read from parts of a message that begin anywhere", () => {
  const bytes = new ArrayBuffer(64);
  const part = (at, Kind, values) => {
    const kind = new Kind(values);
    new Uint8Array(bytes).set(new Uint8Array(kind.buffer), at);
    return new DataView(bytes, at, kind.byteLength);
  };
  const points = readPoints({
    n: 3,
    x: part(1, Uint16Array, [0, 30000, 65535]),
    y: part(8, Uint16Array, [0, 30000, 65535]),
    row: part(15, Int32Array, [7, 8, 9]),
    status: part(28, Uint8Array, [0, 1, 5]),
    label: part(33, Uint16Array, [1, 0, 65535]),
  });
  assert.deepEqual([...points.row], [7, 8, 9]);
  assert.deepEqual([...points.x], [0, 30000, 65535]);
  const grid = makeGrid(points);
  assert.equal(nearest(points, grid, 30010, 29990, 100), 1);
  assert.equal(nearest(points, grid, 30010, 29990, 5), -1);
  assert.equal(nearest(points, grid, 65535, 65535, 100), 2);
  assert.equal(
    nearest(points, grid, 30010, 29990, 100, (i) => i !== 1),
    -1,
  );
  const around = [
    [-9, -9],
    [40000, -9],
    [40000, 40000],
    [-9, 40000],
  ];
  assert.deepEqual(surrounded(points, around), [0, 1]);
  assert.deepEqual(
    surrounded(points, around, (i) => i > 0),
    [1],
  );
});

test("a line that turns inward leaves out what it goes around, and the nearest is the nearest", () => {
  const n = 400;
  const points = { n, x: new Uint16Array(n), y: new Uint16Array(n) };
  for (let i = 0; i < n; i++) [points.x[i], points.y[i]] = [(i % 20) * 3000, Math.floor(i / 20) * 3000];
  const shape = [
    [-1, -1],
    [60000, -1],
    [60000, 60000],
    [31000, 10000],
    [-1, 60000],
  ];
  const found = new Set(surrounded(points, shape));
  assert.ok(found.has(0) && found.has(399) === false && !found.has(19 * 20 + 10));
  const grid = makeGrid(points);
  for (let i = 0; i < n; i += 37)
    assert.equal(nearest(points, grid, points.x[i] + 400, points.y[i] - 300, 5000), i);
});

test("a term is explained the first time, in the singular and the plural", () => {
  globalThis.GLOSSARY = { "calibration row": "a", row: "b", deferred: "c" };
  const told = new Set();
  const of = (text) => pieces(text, told).filter(({ term }) => term);
  assert.deepEqual(of("Deferred: 3 calibration rows of 9 rows, not arrows."), [
    { text: "Deferred", term: "deferred" },
    { text: "calibration rows", term: "calibration row" },
    { text: "rows", term: "row" },
  ]);
  assert.deepEqual(of("deferred again"), []);
  const text = "a row, <b>deferred</b>";
  assert.equal(
    pieces(text, new Set())
      .map((piece) => piece.text)
      .join(""),
    text,
  );
});
