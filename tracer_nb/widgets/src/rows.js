// Rows behind a bar, a cell, a point: what they say, what they are labelled, and by whom.

import { button, keepKeys, make, newId, say } from "./dom.js";

const STATUSES = ["", "agree", "disagree", "handled", "deferred", "labelled", "unlabelled"];

export function makeChoice(name, field) {
  const node = make("div", "tracer-choice");
  const label = make("label", "", name);
  field.id = newId("choice");
  label.htmlFor = field.id;
  node.append(label, field);
  return node;
}

// What the teacher wrote, as text: it may repeat anything that stood in the row.
function explained(words) {
  return make("p", "tracer-small tracer-explanation", `Teacher's explanation: ${words}`);
}

/** @param {(what: Press) => void} send @param {(row: number) => void} review */
export function makeExplorer(send, review) {
  const node = make("section", "tracer-rows");
  node.setAttribute("aria-label", "Rows");
  const title = make("h3", "", "Rows");
  keepKeys(title).tabIndex = -1;
  title.setAttribute("aria-live", "polite");
  const filters = make("div", "tracer-row");
  const names = make("datalist");
  names.id = newId("labels");
  const by = {};
  for (const [key, text] of [
    ["teacher", "Teacher says"],
    ["surrogate", "Surrogate says"],
  ]) {
    by[key] = make("input");
    by[key].setAttribute("list", names.id);
    by[key].placeholder = "any label";
    filters.append(makeChoice(text, by[key]));
  }
  by.status = make("select");
  for (const status of STATUSES) {
    const option = by.status.appendChild(make("option", "", status || "any status"));
    option.value = status;
  }
  const search = make("input");
  search.type = "search";
  search.placeholder = "any text";
  filters.append(makeChoice("Status", by.status), makeChoice("Text holds", search));
  const list = make("ol", "tracer-list");
  const earlier = button("Earlier rows", () => ask(offset - STEP));
  const later = button("Further rows", () => ask(offset + STEP));
  const pages = make("div", "tracer-row");
  pages.append(earlier, later);
  const hint = "Click a bar, a cell or a point, or choose here, to see rows.";
  const top = make("p", "tracer-small", hint);
  node.append(title, filters, names, top, list, pages);
  earlier.hidden = later.hidden = true;

  const STEP = 20;
  let chart = null; // what was clicked in a chart
  let offset = 0;
  let labels = [];
  let timer = null;
  let wanted = false; // a chart was clicked: what it shows is read next
  const items = new Map();

  function ask(from = 0) {
    clearTimeout(timer);
    const chosen = Object.fromEntries(
      Object.entries(by)
        .map(([key, field]) => [key, field.value])
        .filter(([, value]) => value),
    );
    send({ do: "rows", where: { ...(chart ?? chosen), search: search.value }, offset: Math.max(from, 0) });
  }

  for (const field of Object.values(by)) {
    const choose = () => {
      chart = null;
      ask();
    };
    // A label is asked for as soon as it is one.
    field.addEventListener("input", () => {
      if (field.value === "" || labels.includes(field.value)) choose();
    });
    field.addEventListener("change", choose);
  }
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  });

  // One label, or several with ";" between them: the kernel refuses a list where a row has one.
  const isLabel = (typed) =>
    labels.includes(typed) || typed.split(";").every((part) => labels.includes(part.trim()));

  function makeItem(row) {
    const item = make("li");
    const text = make("p", "tracer-text", row.text);
    const facts = make("div", "tracer-tags");
    const fact = (name, value) => {
      const tag = facts.appendChild(make("span"));
      tag.append(make("span", "tracer-small", `${name} `), make("b", "", value));
      return tag;
    };
    fact("row", row.row.toLocaleString("en-GB"));
    fact("teacher", row.teacher ?? "none");
    fact("surrogate", row.surrogate ?? "none").dataset.kind = row.status === "disagree" ? "refused" : "";
    fact("gate score", row.score ?? (row.far ? "none: unlike every labelled row" : "none"));
    fact("status", row.status);
    if (row.by) fact(row.by === "abstained" ? "outcome" : "answered by", row.by);
    const said = make("span", "tracer-small");
    said.setAttribute("role", "status");
    const label = make("input");
    label.setAttribute("list", names.id);
    label.setAttribute("aria-label", `Right label of row ${row.row}`);
    label.placeholder = "right label";
    const relabel = button("Relabel", () =>
      send({ do: "relabel", row: row.row, label: label.value.trim(), note: "" }),
    );
    relabel.disabled = true;
    label.addEventListener("input", () => (relabel.disabled = !isLabel(label.value.trim())));
    const acts = make("div", "tracer-row");
    acts.append(label, relabel);
    if (row.teacher) {
      acts.append(button("Send to review", () => review(row.row)));
    }
    acts.append(said);
    items.set(row.row, said);
    item.append(text, facts, ...(row.explanation ? [explained(row.explanation)] : []), acts);
    return item;
  }

  return {
    node,
    top,
    // A place in a chart was clicked.
    open(where) {
      chart = where;
      for (const field of Object.values(by)) field.value = "";
      search.value = "";
      wanted = true;
      ask();
      node.scrollIntoView({ block: "nearest", behavior: "smooth" });
    },
    setLabels(next) {
      labels = next;
      names.replaceChildren(
        ...labels.map((value) => Object.assign(document.createElement("option"), { value })),
      );
    },
    /** @param {Reply} reply */
    hear(reply) {
      if (reply.rows) {
        const { title: words, total, rows } = reply.rows;
        offset = reply.rows.offset;
        say(title, words);
        if (wanted) title.focus({ preventScroll: true });
        wanted = false;
        items.clear();
        list.start = offset + 1;
        list.replaceChildren(...rows.map(makeItem));
        earlier.hidden = offset === 0;
        later.hidden = offset + rows.length >= total;
      }
      if (reply.done && items.has(reply.done.row)) say(items.get(reply.done.row), reply.done.words);
    },
  };
}
