// The settings of the job, each with its hint, and the magic line that says the same.

import { button, keepKeys, make, newId, say } from "./dom.js";

/** @param {(what: Press) => void} send */
export function makeSettings(send) {
  const node = make("form", "tracer-settings");
  const line = make("pre", "tracer-code");
  keepKeys(line).tabIndex = 0;
  line.setAttribute("aria-label", "Magic line with these settings");
  const copied = make("span", "tracer-small");
  copied.setAttribute("role", "status");
  const problem = make("p", "tracer-warn");
  problem.setAttribute("role", "alert");
  problem.hidden = true;
  const aside = make("p", "tracer-small"); // what no line can say
  const groups = make("div");
  const apply = button("Apply", take, "tracer-main");
  const reset = button("Undo changes", () => {
    fill(shown);
    changed();
  });
  const foot = make("div", "tracer-row");
  foot.append(apply, reset, button("Copy the line", copy), copied);
  node.append(
    make("p", "tracer-small", "The same as a line to run in a cell:"),
    line,
    aside,
    foot,
    problem,
    groups,
  );
  node.addEventListener("submit", (event) => event.preventDefault());
  node.addEventListener("input", changed);

  /** @type {Option[]} */
  let shown = []; // as the kernel has them
  let locked = false;
  let timer = null;
  const fields = new Map();

  function values() {
    const entries = [...fields].map(([name, field]) => [name, field.value]);
    return Object.fromEntries(entries.filter(([, value]) => value.trim()));
  }

  const isChanged = () => shown.some(({ name, value }) => fields.get(name).value !== value);

  function take() {
    clearTimeout(timer); // a draft's answer would wipe out what is said to these values
    send({ do: "apply", values: values() });
  }

  function changed() {
    clearTimeout(timer);
    timer = setTimeout(() => send({ do: "draft", values: values() }), 250);
    enable();
  }

  function enable() {
    for (const field of fields.values()) field.disabled = locked;
    apply.disabled = reset.disabled = locked || !isChanged();
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(line.textContent);
      say(copied, "Copied");
    } catch {
      getSelection()?.selectAllChildren(line); // where the clipboard is closed to pages
      say(copied, "Selected: press Ctrl+C");
    }
    setTimeout(() => say(copied, ""), 2500);
  }

  /** @param {Option} option */
  function makeField({ name, flag, hint, choices, closed, long }) {
    const row = make("div", "tracer-field");
    const id = newId("field");
    const label = make("label", "", flag);
    label.htmlFor = id;
    let field;
    if (closed) {
      field = make("select");
      for (const value of ["", ...choices]) {
        const option = field.appendChild(make("option", "", value || "default"));
        option.value = value;
      }
    } else if (long) {
      field = make("textarea");
      field.rows = 3;
    } else {
      field = make("input");
      field.type = "text";
      field.placeholder = "default";
      field.autocomplete = "off";
      field.spellcheck = false;
      if (choices.length) {
        const list = row.appendChild(make("datalist"));
        list.id = `${id}-choices`;
        list.append(...choices.map((value) => Object.assign(make("option"), { value })));
        field.setAttribute("list", list.id);
      }
    }
    field.id = id;
    field.name = name;
    const help = make("span", "tracer-small", hint);
    help.id = `${id}-hint`;
    field.setAttribute("aria-describedby", help.id);
    fields.set(name, field);
    row.append(label, field, help);
    return row;
  }

  function fill(options) {
    const names = options.map(({ name }) => name).join();
    if (names !== [...fields.keys()].join()) {
      fields.clear();
      const byGroup = new Map();
      for (const option of options) {
        if (!byGroup.has(option.group)) byGroup.set(option.group, []);
        byGroup.get(option.group).push(makeField(option));
      }
      groups.replaceChildren(
        ...[...byGroup].map(([group, rows]) => {
          const set = make("fieldset");
          set.setAttribute("aria-label", group);
          set.append(...rows);
          if (group === "Essential") return set;
          const folded = make("details");
          const given = options.filter((option) => option.group === group && option.value).length;
          folded.append(make("summary", "", given ? `${group}: ${given} set` : group), set);
          return folded;
        }),
      );
    }
    for (const { name, value } of options) fields.get(name).value = value;
    enable();
  }

  return {
    node,
    set(settings) {
      shown = settings.options ?? [];
      say(line, settings.line ?? "");
      say(aside, settings.aside ?? "");
      problem.hidden = true;
      fill(shown);
    },
    setLocked(next) {
      locked = next;
      enable();
    },
    // What the kernel says to a draft, or to settings that it could not take.
    hear(reply) {
      if (reply.line !== undefined) say(line, reply.line);
      if (reply.aside !== undefined) say(aside, reply.aside);
      if (reply.line === undefined && reply.problem === undefined) return;
      say(problem, reply.problem ?? "");
      problem.hidden = !reply.problem;
    },
  };
}
