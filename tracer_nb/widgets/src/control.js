// Moving along targets, and moving the threshold by hand.

import { button, make, newId, say } from "./dom.js";

/** @param {number} share */
export const percent = (share) => `${(100 * share).toFixed(1).replace(/\.0$/, "")} %`;

function makeSlider(name) {
  const row = make("div", "tracer-slider");
  const label = make("label", "", name);
  const input = make("input");
  const value = make("output");
  input.type = "range";
  input.id = newId("slider");
  label.htmlFor = value.htmlFor = input.id;
  row.append(label, input, value);
  return { row, input, value };
}

// `choose`, where there is a kernel to take a target over, is called with it.
export function makeControl(frontier, targets, choose) {
  const node = make("fieldset", "tracer-control");
  const words = make("p");
  words.setAttribute("role", "status");
  const target = makeSlider("Target");
  const hand = makeSlider("Threshold by hand");
  const handWords = make("p", "tracer-small");
  handWords.setAttribute("role", "status");
  const use = button("Use this target", () => choose(choices[target.input.value].target));
  const note = make(
    "span",
    "tracer-small",
    "Every further certificate on this column adds its own chance of error.",
  );
  const row = make("div", "tracer-row");
  if (choose) row.append(use, note);
  node.append(make("legend", "", "What another target would give"));
  node.append(target.row, words, row, hand.row, handWords);
  node.hidden = true;
  /** @type {TargetChoice[]} */
  let choices = [];
  let main = null;
  let curve = [];

  function showTarget() {
    const choice = choices[target.input.value];
    say(target.value, choice.name);
    target.input.setAttribute("aria-valuetext", `${choice.name}. ${choice.words}`);
    say(words, choice.words);
    words.dataset.kind = choice.certified ? "certified" : "estimate";
    row.hidden = choice.target === main;
    // The certificate and its target stay where they are: what is looked at has a line of its own.
    const text = `looked at: ${choice.name}`;
    const line = { coverage: 0.005, agreement: choice.target, text };
    frontier.setOwn("looked", choice.target === main ? [] : [line]);
  }

  function showHand() {
    const i = Number(hand.input.value);
    const at = i ? curve[i - 1] : null;
    if (at === null) {
      say(hand.value, "off");
      say(handWords, "");
      frontier.setOwn("hand", []);
      targets.setOwn("hand", []);
      return;
    }
    const text = `by hand: ${percent(at.coverage)}, not certified`;
    say(hand.value, at.threshold === null ? "" : at.threshold.toFixed(3));
    say(
      handWords,
      `By hand, not certified: ${percent(at.coverage)} of the tested rows are at or above it, and ` +
        `${percent(at.agreement)} of these agree (90 % interval ${percent(at.low)} to ` +
        `${percent(at.high)}). A threshold that was chosen by looking promises nothing.`,
    );
    hand.input.setAttribute("aria-valuetext", handWords.textContent);
    frontier.setOwn("hand", [
      { coverage: at.coverage, agreement: at.agreement, text, right: at.coverage > 0.5 },
    ]);
  }

  target.input.addEventListener("input", showTarget);
  hand.input.addEventListener("input", showHand);

  return {
    node,
    set(values) {
      choices = values.choices ?? [];
      node.hidden = !choices.length;
      if (node.hidden) return;
      main = values.main;
      frontier.setOwn(null, null);
      target.input.max = String(choices.length - 1);
      target.input.value = String(choices.findIndex((choice) => choice.target === main));
      showTarget();
    },
    // Points of the curve, strict to loose: what the hand moves along.
    setCurve(rows) {
      curve = rows ?? [];
      hand.input.max = String(curve.length);
      hand.input.value = "0";
      showHand();
    },
  };
}
