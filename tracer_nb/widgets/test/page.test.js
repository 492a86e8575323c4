// The pure parts of the page, and that the file which the package ships is made of these sources.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { bundled } from "../build.js";
import { broken } from "../src/chart.js";
import { percent } from "../src/control.js";
import { matching, plain } from "../src/review.js";
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

test("a specification takes the colours of the theme, and is not changed itself", () => {
  globalThis.SHADES = { light: {}, dark: { "#112233": "#eeddcc" } };
  const spec = { mark: { color: "#112233" } };
  assert.deepEqual(inShades(spec, "dark"), { mark: { color: "#eeddcc" } });
  assert.deepEqual(inShades(spec, "light"), spec);
  assert.equal(spec.mark.color, "#112233");
});
