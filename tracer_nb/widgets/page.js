// Made of src/ by `npm run build`; do not edit.
"use strict";
var tracerPage = (() => {
  var __defProp = Object.defineProperty;
  var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
  var __getOwnPropNames = Object.getOwnPropertyNames;
  var __hasOwnProp = Object.prototype.hasOwnProperty;
  var __export = (target, all) => {
    for (var name in all)
      __defProp(target, name, { get: all[name], enumerable: true });
  };
  var __copyProps = (to, from, except, desc) => {
    if (from && typeof from === "object" || typeof from === "function") {
      for (let key of __getOwnPropNames(from))
        if (!__hasOwnProp.call(to, key) && key !== except)
          __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
    }
    return to;
  };
  var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);

  // src/index.js
  var index_exports = {};
  __export(index_exports, {
    mountReport: () => mountReport,
    render: () => render,
    renderReview: () => renderReview
  });

  // src/dom.js
  var REACHED_BY_KEYS = /* @__PURE__ */ new Set(["button", "input", "select", "textarea"]);
  function make(tag, name, text) {
    const node = bare(tag, name, text);
    if (REACHED_BY_KEYS.has(tag)) keepKeys(node);
    return node;
  }
  function bare(tag, name, text) {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== void 0) node.textContent = text;
    return node;
  }
  function keepKeys(node) {
    node.dataset.lmSuppressShortcuts = "true";
    return node;
  }
  function button(text, press, name) {
    const node = make("button", name, text);
    node.type = "button";
    node.addEventListener("click", press);
    return node;
  }
  function say(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }
  function paragraphs(texts) {
    return texts.map((text) => make("p", "", text.replaceAll(" %", " %")));
  }
  var made = 0;
  function newId(kind) {
    made += 1;
    return `tracer-${kind}-${made}-${Math.random().toString(36).slice(2, 8)}`;
  }

  // src/theme.js
  function brightness(node) {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor.match(/[\d.]+/g);
      if (!colour || colour.length > 3 && Number(colour[3]) < 0.5) continue;
      const [r, g, b] = colour.map(Number);
      return (0.299 * r + 0.587 * g + 0.114 * b) / 255;
    }
    return null;
  }
  function isDark(node) {
    const { body, documentElement } = document;
    const lab = body.dataset.jpThemeLight;
    if (lab) return lab === "false";
    if (/vscode-(dark|high-contrast)(?!-light)/.test(body.className)) return true;
    if (/vscode-(light|high-contrast-light)/.test(body.className)) return false;
    const said = documentElement.getAttribute("theme");
    if (said === "dark" || said === "light") return said === "dark";
    const ground = brightness(node);
    return ground === null ? matchMedia("(prefers-color-scheme: dark)").matches : ground < 0.5;
  }
  function followTheme(root, changed) {
    let last = null;
    const look = () => {
      const dark = isDark(root);
      if (dark === last) return;
      last = dark;
      root.dataset.theme = dark ? "dark" : "light";
      changed(root.dataset.theme);
    };
    const observer = new MutationObserver(look);
    const attributes = ["class", "style", "theme", "data-jp-theme-light", "data-vscode-theme-kind"];
    for (const node of [document.body, document.documentElement]) {
      observer.observe(node, { attributes: true, attributeFilter: attributes });
    }
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", look);
    look();
    return () => {
      observer.disconnect();
      media.removeEventListener("change", look);
    };
  }
  function inShades(spec, theme) {
    let text = JSON.stringify(spec);
    for (const [colour, shade] of Object.entries(SHADES[theme])) text = text.replaceAll(colour, shade);
    return JSON.parse(text);
  }

  // src/chart.js
  function broken(line, most) {
    const lines = [""];
    for (const word of line.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (longer.length <= most) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines.filter(Boolean);
  }
  function makeChart(label, click, renderer = "svg") {
    const node = make("div", click ? "tracer-chart tracer-clickable" : "tracer-chart");
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", label);
    node.hidden = true;
    let spec = null;
    let data = {};
    let own = {};
    let theme = "light";
    let view = null;
    let drawn = "";
    let again = false;
    function wanted() {
      return `${theme} ${JSON.stringify(spec)}`;
    }
    function rows(width) {
      const all = { ...data, ...own };
      const most = Math.floor(width / 7);
      const title = all.about?.[0]?.title;
      if (!title?.some((line) => line.length > most)) return all;
      const narrow = title.flatMap((line) => broken(line, most));
      const about = Object.fromEntries(Object.entries(all.about[0]));
      return { ...all, about: [{ ...about, title: narrow }] };
    }
    async function update() {
      const width = node.clientWidth;
      if (spec === null) return;
      if (width === 0) {
        if (!again) requestAnimationFrame(soon);
        again = !again;
        return;
      }
      again = false;
      if (drawn !== wanted()) return draw(width);
      for (const [name, values] of Object.entries(rows(width))) view?.data(name, values);
      await view?.width(width).runAsync();
    }
    async function draw(width) {
      drawn = wanted();
      const shades = theme;
      const full = inShades(spec, shades);
      full.datasets = rows(width);
      full.width = width;
      const place2 = make("div");
      const made2 = await vegaEmbed(place2, full, {
        actions: false,
        renderer,
        ast: true,
        // no eval: pages may forbid it
        tooltip: { theme: shades }
      });
      view?.finalize();
      view = made2.view;
      if (click) view.addEventListener("click", (_event, item) => item?.datum && click(item.datum));
      node.replaceChildren(place2);
      node.dataset.theme = shades;
    }
    let queue = Promise.resolve();
    let waiting = false;
    function enqueue(step) {
      queue = queue.then(step).catch((error) => {
        drawn = "";
        const words = `This chart could not be drawn: ${error.message}`;
        node.replaceChildren(make("p", "tracer-warn", words));
      });
    }
    function soon() {
      if (waiting) return;
      waiting = true;
      enqueue(() => {
        waiting = false;
        return update();
      });
    }
    const sizes = new ResizeObserver(() => {
      if (node.clientWidth) soon();
    });
    sizes.observe(node);
    return {
      node,
      // An empty specification: there is nothing to show.
      setSpec(next) {
        node.hidden = !next || !Object.keys(next).length;
        spec = node.hidden ? null : next;
        soon();
      },
      setData(next) {
        data = next ?? {};
        soon();
      },
      // Another data set by that name, until there are new data from the kernel.
      setOwn(name, rows2) {
        own = rows2 === null ? {} : { ...own, [name]: rows2 };
        soon();
      },
      get data() {
        return data;
      },
      setTheme(next) {
        theme = next;
        soon();
      },
      close() {
        sizes.disconnect();
        enqueue(() => view?.finalize());
      }
    };
  }

  // src/audits.js
  function makeAudits() {
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
        how.hidden = code.hidden = !values.line;
        say(how, values.how);
        say(code, values.line);
      }
    };
  }

  // src/table.js
  var FEW = 10;
  function makeTable(act, { folded = false } = {}) {
    const node = make("div", "tracer-found");
    node.hidden = true;
    const title = make(folded ? "summary" : "h3");
    const table = make("table");
    const scroll = make("div", "tracer-scroll");
    const said = make("p", "tracer-small");
    said.setAttribute("role", "status");
    const every = button("", () => show(true));
    scroll.append(table);
    if (folded) {
      const details = node.appendChild(make("details"));
      details.append(keepKeys(title), scroll, every, said);
    } else {
      node.append(title, scroll, every, said);
    }
    let lines = [];
    const sent = /* @__PURE__ */ new Set();
    function makeLine({ cells, where }) {
      const line = make("tr");
      line.append(...cells.map((text) => make("td", "", text)));
      if (!act) return line;
      const acts = line.appendChild(make("td", "tracer-acts"));
      const about = where.row === void 0 ? cells.slice(0, 2).join(" ") : `row ${where.row}`;
      const look = button("Show", () => act.open(where));
      look.setAttribute("aria-label", `Show ${about}`);
      acts.append(look);
      if (where.row !== void 0) {
        const review = button("Review", () => {
          sent.add(where.row);
          act.review(where.row);
        });
        review.setAttribute("aria-label", `Send ${about} to review`);
        acts.append(review);
      }
      return line;
    }
    function show(all) {
      const shown = all || !act ? lines : lines.slice(0, FEW);
      table.tBodies[0].replaceChildren(...shown.map(makeLine));
      every.hidden = shown.length === lines.length;
      say(every, `Show all ${lines.length}`);
    }
    return {
      node,
      /** @param {Found | undefined} values */
      set(values) {
        const any = values?.rows.length;
        node.hidden = !any;
        if (!values || !any) return;
        say(title, values.title);
        const head = make("tr");
        head.append(...[...values.head, ...act ? [""] : []].map((text) => make("th", "", text)));
        const top = make("thead");
        top.append(head);
        table.replaceChildren(top, make("tbody"));
        lines = values.rows;
        sent.clear();
        say(said, "");
        show(false);
      },
      /** @param {Reply} reply */
      hear(reply) {
        if (reply.done && sent.has(reply.done.row)) {
          say(said, `Row ${reply.done.row}: ${reply.done.words}`);
        }
      }
    };
  }

  // src/gaps.js
  function makeGaps(act) {
    const open = act?.open;
    const node = make("div");
    const empty = make("p", "tracer-empty", "Nothing to compare yet: gaps show once the surrogate is fitted.");
    const state = make("p", "tracer-empty");
    state.setAttribute("role", "status");
    const again = button("Look again", () => act?.analyse());
    const lines = make("div");
    const sentences = make("div");
    const charts = {
      lost: makeChart("Coverage that is handled, and where the rest is lost"),
      agreement: makeChart(
        "Agreement with the teacher for each label",
        open && (({ index }) => index !== void 0 && open({ bar: index }))
      ),
      confusion: makeChart(
        "The teacher's labels against the surrogate's",
        open && (({ i, j }) => i !== void 0 && open({ cell: [i, j] }))
      ),
      reliability: makeChart(
        "Observed agreement against the gate's score",
        open && (({ index }) => index !== void 0 && open({ bin: index }))
      ),
      slices: makeChart(
        "Agreement in groups of rows against elsewhere",
        open && (({ index }) => index !== void 0 && open({ slice: index }))
      )
    };
    const tables = {
      gains: makeTable(null),
      // nothing to look at or to review
      slices: makeTable(act, { folded: Boolean(act) }),
      pairs: makeTable(act),
      suspects: makeTable(act)
    };
    const titles = {};
    for (const [name, text] of [
      ["lost", "Where coverage is lost"],
      ["agreement", "By label"],
      ["slices", "Groups of rows that disagree more"]
    ]) {
      titles[name] = make("h3", "", text);
      titles[name].hidden = true;
    }
    node.append(empty, state, again, lines, titles.lost, charts.lost.node, sentences);
    node.append(tables.gains.node);
    node.append(titles.agreement, charts.agreement.node, charts.confusion.node);
    node.append(charts.reliability.node, titles.slices, charts.slices.node, tables.slices.node);
    node.append(tables.pairs.node, tables.suspects.node);
    let wanted = false;
    again.hidden = true;
    function ask() {
      if (act && wanted && !node.hidden) act.analyse();
    }
    return {
      node,
      charts,
      set(values) {
        wanted = values.state === "open";
        say(state, act ? values.words : "");
        state.hidden = !state.textContent;
        again.hidden = !act || values.state !== "failed";
        lines.replaceChildren(...paragraphs(values.lines));
        sentences.replaceChildren(...paragraphs(values.lost));
        for (const [name, table] of Object.entries(tables)) table.set(values.tables[name]);
        ask();
      },
      // Titles stand above what there is.
      setEmpty() {
        for (const [name, title] of Object.entries(titles)) title.hidden = charts[name].node.hidden;
        empty.hidden = !charts.agreement.node.hidden || !charts.confusion.node.hidden;
      },
      opened() {
        node.hidden = false;
        ask();
      },
      hear(reply) {
        for (const table of Object.values(tables)) table.hear(reply);
      }
    };
  }

  // src/kernel.js
  var PATIENCE = 4e3;
  function serverCall(path, method) {
    const node = document.getElementById("jupyter-config-data");
    if (!node) return null;
    const config = JSON.parse(node.textContent);
    const headers = {};
    const xsrf = /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie);
    if (xsrf) headers["X-XSRFToken"] = decodeURIComponent(xsrf[1]);
    if (config.token) headers.Authorization = `token ${config.token}`;
    return fetch(config.baseUrl + path, { method, headers, credentials: "same-origin" });
  }
  function interrupt(kernel) {
    const call = kernel && serverCall(`api/kernels/${encodeURIComponent(kernel)}/interrupt`, "POST");
    return Boolean(call);
  }
  async function isBusy(kernel) {
    try {
      const reply = await serverCall(`api/kernels/${encodeURIComponent(kernel)}`, "GET");
      return reply?.ok === true && (await reply.json()).execution_state === "busy";
    } catch {
      return false;
    }
  }
  var GONE = "The kernel was restarted or is gone; run %tracer panel again. Answers are stored.";
  var BUSY = "The kernel is busy with a cell; this is done as soon as that has ended.";
  var SILENT = "No answer from the kernel: it is busy, or it was restarted; then run %tracer panel again.";
  var DEAF = "A running cell hears no click here. Interrupt the kernel (■) to stop it; every answer is kept.";
  function makeLink(model, { alive, silent, heard, ended }) {
    const kernel = model.get("kernel");
    let number = 0;
    let timer = null;
    let known = false;
    let gone = false;
    function sign() {
      clearTimeout(timer);
      timer = null;
      if (gone) return;
      if (!known) alive();
      known = true;
      silent("");
    }
    function receipt(reply) {
      sign();
      heard(reply);
    }
    async function late() {
      timer = null;
      if (model.get("sheet").blocking) return;
      if (!document.getElementById("jupyter-config-data")) silent(SILENT);
      else if (await isBusy(kernel)) silent(BUSY);
      else silent(GONE);
    }
    function send(what) {
      number += 1;
      if (timer === null && !gone) timer = setTimeout(late, PATIENCE);
      try {
        model.send({ ...what, number, run: model.get("sheet").run });
      } catch {
        lost();
      }
    }
    function lost() {
      gone = true;
      clearTimeout(timer);
      silent(GONE);
      ended();
    }
    model.on("change", sign);
    model.on("msg:custom", receipt);
    model.on("comm_live_update", lost);
    model.on("comm:close", lost);
    return {
      send,
      close() {
        clearTimeout(timer);
        model.off("change", sign);
        model.off("msg:custom", receipt);
        model.off("comm_live_update", lost);
        model.off("comm:close", lost);
      }
    };
  }
  function watchCell(el, deleted) {
    let cell = null;
    let notebook = null;
    const find = setInterval(() => {
      cell = el.closest(".jp-Cell");
      notebook = el.closest(".jp-Notebook");
      if (cell) clearInterval(find);
    }, 50);
    return () => {
      clearInterval(find);
      if (!cell) return;
      setTimeout(() => {
        if (notebook.isConnected && !cell.isConnected) deleted();
      }, 100);
    };
  }

  // src/rows.js
  var STATUSES = ["", "agree", "disagree", "handled", "deferred", "labelled", "unlabelled"];
  function makeChoice(name, field2) {
    const node = make("div", "tracer-choice");
    const label = make("label", "", name);
    field2.id = newId("choice");
    label.htmlFor = field2.id;
    node.append(label, field2);
    return node;
  }
  function makeExplorer(send) {
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
      ["surrogate", "Surrogate says"]
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
    node.append(title, filters, names, make("p", "tracer-small", hint), list, pages);
    earlier.hidden = later.hidden = true;
    const STEP = 20;
    let chart = null;
    let offset = 0;
    let labels = [];
    let timer = null;
    let wanted = false;
    const items = /* @__PURE__ */ new Map();
    function ask(from = 0) {
      clearTimeout(timer);
      const chosen = Object.fromEntries(
        Object.entries(by).map(([key, field2]) => [key, field2.value]).filter(([, value]) => value)
      );
      send({ do: "rows", where: { ...chart ?? chosen, search: search.value }, offset: Math.max(from, 0) });
    }
    for (const field2 of Object.values(by)) {
      const choose = () => {
        chart = null;
        ask();
      };
      field2.addEventListener("input", () => {
        if (field2.value === "" || labels.includes(field2.value)) choose();
      });
      field2.addEventListener("change", choose);
    }
    search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 300);
    });
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
      const relabel = button(
        "Relabel",
        () => send({ do: "relabel", row: row.row, label: label.value.trim(), note: "" })
      );
      relabel.disabled = true;
      label.addEventListener("input", () => relabel.disabled = !labels.includes(label.value.trim()));
      const acts = make("div", "tracer-row");
      acts.append(label, relabel);
      if (row.teacher) {
        acts.append(button("Send to review", () => send({ do: "review", row: row.row })));
      }
      acts.append(said);
      items.set(row.row, said);
      item.append(text, facts, acts);
      return item;
    }
    return {
      node,
      // A place in a chart was clicked.
      open(where) {
        chart = where;
        for (const field2 of Object.values(by)) field2.value = "";
        search.value = "";
        wanted = true;
        ask();
        node.scrollIntoView({ block: "nearest", behavior: "smooth" });
      },
      setLabels(next) {
        labels = next;
        names.replaceChildren(
          ...labels.map((value) => Object.assign(document.createElement("option"), { value }))
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
      }
    };
  }

  // src/map.js
  function makeMap(send, open) {
    const node = make("div");
    const row = make("div", "tracer-row");
    const method = make("select");
    const colour = make("select");
    for (const [field2, values] of [
      [
        method,
        { pca: "principal components, at once", "t-sne": "t-SNE, some seconds", umap: "UMAP, some seconds" }
      ],
      [colour, { status: "status", label: "label" }]
    ]) {
      for (const [value, text] of Object.entries(values)) {
        field2.append(Object.assign(make("option", "", text), { value }));
      }
      field2.addEventListener("change", ask);
    }
    const again = button("Draw again", ask);
    const said = make("span", "tracer-small");
    said.setAttribute("role", "status");
    const chart = makeChart(
      "Texts of the column as points",
      ({ row: at }) => at !== void 0 && open({ row: at }),
      "canvas"
    );
    row.append(makeChoice("Layout", method), makeChoice("Colour", colour), again, said);
    node.append(row, chart.node);
    let asked = false;
    function ask() {
      asked = true;
      say(said, "Drawing…");
      send({ do: "map", method: method.value, colour: colour.value });
    }
    return {
      node,
      chart,
      opened: () => !asked && ask(),
      /** @param {Reply} reply */
      hear(reply) {
        if (!reply.map) {
          if (reply.heard !== void 0 && said.textContent === "Drawing…") say(said, "");
          return;
        }
        asked = !reply.map.empty;
        say(said, reply.map.empty ? "Nothing is labelled yet." : "");
      }
    };
  }

  // src/control.js
  var percent = (share) => `${(100 * share).toFixed(1).replace(/\.0$/, "")} %`;
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
  function makeControl(frontier, targets, choose) {
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
      "Every further certificate on this column adds its own chance of error."
    );
    const row = make("div", "tracer-row");
    if (choose) row.append(use, note);
    node.append(make("legend", "", "What another target would give"));
    node.append(target.row, words, row, hand.row, handWords);
    node.hidden = true;
    let choices = [];
    let main = null;
    let curve = [];
    let moved = false;
    function showTarget() {
      const choice = choices[target.input.value];
      say(target.value, choice.name);
      target.input.setAttribute("aria-valuetext", `${choice.name}. ${choice.words}`);
      say(words, choice.words);
      words.dataset.kind = choice.certified ? "certified" : "estimate";
      row.hidden = choice.target === main;
      if (!moved) return;
      const line = { coverage: 5e-3, agreement: choice.target, text: `target ${choice.name}` };
      frontier.setOwn("target", [line]);
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
        `By hand, not certified: ${percent(at.coverage)} of the tested rows are at or above it, and ${percent(at.agreement)} of these agree (90 % interval ${percent(at.low)} to ${percent(at.high)}). A threshold that was chosen by looking promises nothing.`
      );
      hand.input.setAttribute("aria-valuetext", handWords.textContent);
      frontier.setOwn("hand", [
        { coverage: at.coverage, agreement: at.agreement, text, right: at.coverage > 0.5 }
      ]);
    }
    target.input.addEventListener("input", () => {
      moved = true;
      showTarget();
    });
    hand.input.addEventListener("input", showHand);
    return {
      node,
      set(values) {
        choices = values.choices ?? [];
        node.hidden = !choices.length;
        if (node.hidden) return;
        main = values.main;
        moved = false;
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
      }
    };
  }

  // src/overview.js
  function makeOverview(frontier, targets, choose) {
    const node = make("div");
    const lead = make("p", "tracer-lead");
    const head = make("p", "tracer-promise");
    const facts = make("div", "tracer-facts");
    const lines = make("div");
    const evidence = make("p", "tracer-small");
    const control = makeControl(frontier, targets, choose);
    node.append(lead, facts, head, frontier.node, control.node, targets.node, lines, evidence);
    return {
      node,
      control,
      /** @param {Overview} page */
      set({ kind, bill, head: words, facts: figures, lines: sentences, evidence: proof }) {
        head.dataset.kind = kind;
        say(lead, bill);
        lead.hidden = !bill;
        facts.classList.toggle("tracer-leading", Boolean(bill));
        say(head, words);
        facts.hidden = !figures.length;
        facts.replaceChildren(
          ...figures.map(({ value, name }) => {
            const cell = make("div");
            cell.append(make("b", "", value), make("span", "", name));
            return cell;
          })
        );
        lines.replaceChildren(...paragraphs(sentences));
        say(evidence, proof ?? "");
      }
    };
  }

  // src/progress.js
  var NAMES = { start: "Start", pause: "Pause", resume: "Resume", stop: "Stop" };
  function makeHead(press) {
    const node = make("div", "tracer-head");
    const state = make("span", "tracer-state");
    state.setAttribute("role", "status");
    const buttons = make("div", "tracer-buttons");
    const each = {};
    for (const [name, text] of Object.entries(NAMES)) {
      each[name] = button(text, () => press(name), `tracer-${name}`);
      buttons.append(each[name]);
    }
    const line = make("span", "tracer-line");
    const bar = make("div", "tracer-bar");
    bar.setAttribute("role", "progressbar");
    bar.setAttribute("aria-label", "Progress of the run");
    const done = bar.appendChild(make("div"));
    const message = make("div", "tracer-message");
    message.setAttribute("role", "alert");
    node.append(state, line, buttons, bar, message);
    let said = "";
    let silence = "";
    function tell() {
      say(message, silence || said);
      message.hidden = !message.textContent;
    }
    return {
      node,
      /** @param {Sheet} sheet */
      setSheet(sheet) {
        say(state, sheet.words);
        state.dataset.state = sheet.state;
        for (const [name, one] of Object.entries(each)) one.hidden = !sheet.actions.includes(name);
        bar.hidden = sheet.state !== "running";
        said = sheet.message;
        tell();
      },
      /** @param {Live} live */
      setLive(live) {
        say(line, live.line);
        bar.classList.toggle("tracer-unknown", live.share === null);
        if (live.share === null) bar.removeAttribute("aria-valuenow");
        else bar.setAttribute("aria-valuenow", String(Math.round(100 * live.share)));
        done.style.width = live.share === null ? "" : `${100 * live.share}%`;
      },
      setSilence(words) {
        silence = words;
        tell();
      },
      // Nothing that is pressed would be heard.
      setGone() {
        for (const one of Object.values(each)) one.disabled = true;
      }
    };
  }
  function makeRunTab() {
    const node = make("div");
    const empty = make("p", "tracer-empty", "Nothing has run yet.");
    const cells = make("div", "tracer-facts");
    const spent = make("div", "tracer-spent");
    const bar = make("div", "tracer-bar");
    const part = bar.appendChild(make("div"));
    bar.setAttribute("role", "meter");
    bar.setAttribute("aria-label", "Money spent, against the hard cap");
    bar.setAttribute("aria-valuemin", "0");
    bar.setAttribute("aria-valuemax", "100");
    const words = make("span", "tracer-small");
    spent.append(bar, words);
    const charts = {
      bill: makeChart("The whole bill that is expected, against texts asked about"),
      parts: makeChart("Where the calls go: parts of the column's texts"),
      counts: makeChart("How often each label occurs"),
      spending: makeChart("Money spent over time"),
      rate: makeChart("Answers a second over time")
    };
    node.append(empty, cells, spent, ...Object.values(charts).map((chart) => chart.node));
    return {
      node,
      charts,
      /** @param {Live} live */
      setLive(live) {
        while (cells.children.length > live.cells.length) cells.lastChild.remove();
        live.cells.forEach(({ name, value }, i) => {
          let cell = cells.children[i];
          if (!cell) {
            cell = cells.appendChild(make("div"));
            cell.append(make("b"), make("span"));
          }
          say(cell.children[0], value);
          say(cell.children[1], name);
        });
        cells.hidden = !live.cells.length;
        empty.hidden = !cells.hidden;
        const share = live.spent ?? null;
        spent.hidden = share === null;
        if (share === null) return;
        part.style.width = `${100 * share}%`;
        bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
        say(words, `${Math.round(100 * share)} % of the hard cap is spent`);
      }
    };
  }

  // src/settings.js
  function makeSettings(send) {
    const node = make("form", "tracer-settings");
    const line = make("pre", "tracer-code");
    keepKeys(line).tabIndex = 0;
    line.setAttribute("aria-label", "Magic line with these settings");
    const copied = make("span", "tracer-small");
    copied.setAttribute("role", "status");
    const problem = make("p", "tracer-warn");
    problem.setAttribute("role", "alert");
    problem.hidden = true;
    const aside = make("p", "tracer-small");
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
      groups
    );
    node.addEventListener("submit", (event) => event.preventDefault());
    node.addEventListener("input", changed);
    let shown = [];
    let locked = false;
    let timer = null;
    const fields = /* @__PURE__ */ new Map();
    function values() {
      const entries = [...fields].map(([name, field2]) => [name, field2.value]);
      return Object.fromEntries(entries.filter(([, value]) => value.trim()));
    }
    const isChanged = () => shown.some(({ name, value }) => fields.get(name).value !== value);
    function take() {
      clearTimeout(timer);
      send({ do: "apply", values: values() });
    }
    function changed() {
      clearTimeout(timer);
      timer = setTimeout(() => send({ do: "draft", values: values() }), 250);
      enable();
    }
    function enable() {
      for (const field2 of fields.values()) field2.disabled = locked;
      apply.disabled = reset.disabled = locked || !isChanged();
    }
    async function copy() {
      try {
        await navigator.clipboard.writeText(line.textContent);
        say(copied, "Copied");
      } catch {
        getSelection()?.selectAllChildren(line);
        say(copied, "Selected: press Ctrl+C");
      }
      setTimeout(() => say(copied, ""), 2500);
    }
    function makeField({ name, flag, hint, choices, closed, long }) {
      const row = make("div", "tracer-field");
      const id = newId("field");
      const label = make("label", "", flag);
      label.htmlFor = id;
      let field2;
      if (closed) {
        field2 = make("select");
        for (const value of ["", ...choices]) {
          const option = field2.appendChild(make("option", "", value || "default"));
          option.value = value;
        }
      } else if (long) {
        field2 = make("textarea");
        field2.rows = 3;
      } else {
        field2 = make("input");
        field2.type = "text";
        field2.placeholder = "default";
        field2.autocomplete = "off";
        field2.spellcheck = false;
        if (choices.length) {
          const list = row.appendChild(make("datalist"));
          list.id = `${id}-choices`;
          list.append(...choices.map((value) => Object.assign(make("option"), { value })));
          field2.setAttribute("list", list.id);
        }
      }
      field2.id = id;
      field2.name = name;
      const help = make("span", "tracer-small", hint);
      help.id = `${id}-hint`;
      field2.setAttribute("aria-describedby", help.id);
      fields.set(name, field2);
      row.append(label, field2, help);
      return row;
    }
    function fill(options) {
      const names = options.map(({ name }) => name).join();
      if (names !== [...fields.keys()].join()) {
        fields.clear();
        const byGroup = /* @__PURE__ */ new Map();
        for (const option of options) {
          if (!byGroup.has(option.group)) byGroup.set(option.group, []);
          byGroup.get(option.group).push(makeField(option));
        }
        groups.replaceChildren(
          ...[...byGroup].map(([group, rows]) => {
            const set = make("fieldset");
            if (group !== "Advanced") {
              set.append(make("legend", "", group), ...rows);
              return set;
            }
            set.setAttribute("aria-label", group);
            set.append(...rows);
            const folded = make("details");
            folded.append(make("summary", "", group), set);
            return folded;
          })
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
        if (reply.line !== void 0) say(line, reply.line);
        if (reply.aside !== void 0) say(aside, reply.aside);
        if (reply.line === void 0 && reply.problem === void 0) return;
        say(problem, reply.problem ?? "");
        problem.hidden = !reply.problem;
      }
    };
  }

  // src/tabs.js
  function makeTabs(tabs) {
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
        End: last
      }[event.key];
      if (to === void 0 || at < 0) return;
      event.preventDefault();
      open(to);
      heads[to].focus();
    });
    open(0);
    return { node, open };
  }

  // src/panel.js
  function makeFigures(act) {
    const frontier = makeChart("Agreement with the teacher against coverage");
    const targets = makeChart("Coverage against the target");
    const overview = makeOverview(frontier, targets, act?.choose);
    const gaps = makeGaps(act);
    const audits = makeAudits();
    const run = makeRunTab();
    const charts = { frontier, targets, ...gaps.charts, watch: audits.chart, ...run.charts };
    const setters = {
      sheet: (sheet) => overview.set(sheet.overview),
      live: (live) => run.setLive(live),
      targets: (values) => overview.control.set(values),
      gaps: (values) => gaps.set(values),
      audits: (values) => audits.set(values)
    };
    for (const [name, chart] of Object.entries(charts)) {
      setters[`data_${name}`] = (rows) => {
        chart.setData(rows);
        if (name === "frontier") overview.control.setCurve(rows.curve);
      };
      setters[`spec_${name}`] = (spec) => {
        chart.setSpec(spec);
        gaps.setEmpty();
      };
    }
    return { overview, gaps, audits, run, charts, setters };
  }
  function render({ model, el }) {
    const viewer = newId("view");
    const root = make("div", "tracer-panel");
    const send = (what) => link.send(what);
    const explorer = makeExplorer(send);
    const figures = makeFigures({
      choose: (value) => send({ do: "target", value }),
      open: (where) => explorer.open(where),
      review: (row) => send({ do: "review", row }),
      analyse: () => send({ do: "gaps" })
    });
    const map = makeMap(send, (where) => explorer.open(where));
    const charts = { ...figures.charts, map: map.chart };
    const settings = makeSettings(send);
    const head = makeHead(press);
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
        }
      },
      { name: "Audit", body: figures.audits.node },
      {
        name: "Map",
        body: map.node,
        opened: () => {
          below(map.node)();
          map.opened();
        }
      },
      { name: "Settings", body: settings.node }
    ]);
    root.append(head.node, tabs.node);
    el.replaceChildren(root);
    const hide = make("style", "", `[data-tracer-static="${model.get("static")}"]{display:none}`);
    const link = makeLink(model, {
      alive: () => root.append(hide),
      silent: (words) => head.setSilence(words),
      ended: () => {
        head.setGone();
        settings.setLocked(true);
      },
      heard: (reply) => {
        for (const part of [settings, explorer, map, figures.gaps]) part.hear(reply);
      }
    });
    function press(name) {
      const { blocking } = model.get("sheet");
      if (blocking && name === "stop") {
        if (!interrupt(model.get("kernel"))) head.setSilence(DEAF);
        return;
      }
      send({ do: name });
    }
    const listeners = Object.entries({
      ...figures.setters,
      data_map: (rows) => map.chart.setData(rows),
      spec_map: (spec) => map.chart.setSpec(spec),
      labels: (labels) => explorer.setLabels(labels),
      settings: (values) => settings.set(values)
    }).map(([trait, set]) => [`change:${trait}`, () => set(model.get(trait))]);
    listeners.push([
      "change:sheet",
      () => {
        const sheet = model.get("sheet");
        head.setSheet(sheet);
        settings.setLocked(sheet.state === "running");
      }
    ]);
    listeners.push(["change:live", () => head.setLive(model.get("live"))]);
    for (const [event, listen] of listeners) {
      listen();
      model.on(event, listen);
    }
    const unfollow = followTheme(root, (theme) => {
      for (const chart of Object.values(charts)) chart.setTheme(theme);
    });
    const unwatch = watchCell(el, () => {
      if (model.get("sheet").blocking) interrupt(model.get("kernel"));
    });
    send({ do: "hello", viewer });
    return () => {
      send({ do: "bye", viewer });
      for (const [event, listen] of listeners) model.off(event, listen);
      link.close();
      unfollow();
      unwatch();
      for (const chart of Object.values(charts)) chart.close();
    };
  }
  function place(id) {
    const node = document.getElementById(id);
    if (node === null) throw new Error(`the page has no ${id}`);
    return node;
  }
  function mountReport() {
    const values = JSON.parse(place("tracer-values").textContent ?? "");
    const root = make("div", "tracer-panel tracer-still");
    const figures = makeFigures(null);
    root.append(make("h1", "", values.title));
    const bill = make("div");
    bill.append(figures.charts.parts.node, figures.charts.bill.node);
    const labels = make("div");
    labels.append(figures.charts.counts.node);
    for (const [name, body] of [
      ["Overview", figures.overview.node],
      ["Bill", bill],
      ["Gaps", figures.gaps.node],
      ["Audit", figures.audits.node],
      ["Labels", labels]
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
  }

  // src/review.js
  var PATIENCE2 = 1e4;
  function keyed(name, key, text, press) {
    const node = bare("button", name);
    node.type = "button";
    if (key) {
      node.append(bare("kbd", "", key), " ");
      node.setAttribute("aria-keyshortcuts", key);
    }
    node.append(bare("span", "", text));
    node.addEventListener("click", press);
    return node;
  }
  function field(name, hint) {
    const node = bare("input", name);
    node.type = "text";
    node.placeholder = node.ariaLabel = hint;
    node.autocomplete = "off";
    node.spellcheck = false;
    return node;
  }
  var plain = (text) => text.toLowerCase().replace(/[\s_-]+/g, " ").trim();
  function matching(labels, typed) {
    const terms = plain(typed).split(" ");
    const found = labels.filter((label) => terms.every((term) => plain(label).includes(term)));
    const first = (label) => Number(plain(label).startsWith(plain(typed)));
    return typed.trim() ? found.sort((a, b) => first(b) - first(a)) : found;
  }
  function renderReview({ model, el }) {
    const root = bare("div", "tracer-review");
    root.tabIndex = 0;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Review of labels; digits choose, s skips, u takes back");
    const hide = bare("style", "", `#${model.get("summary")}{display:none}`);
    const line = bare("div", "tracer-line");
    const bar = bare("div", "tracer-bar");
    const done = bar.appendChild(bare("div"));
    const message = bare("div", "tracer-message");
    message.setAttribute("role", "alert");
    const why = bare("div", "tracer-why");
    const text = bare("div", "tracer-text");
    const near = bare("div", "tracer-labels");
    const labels = model.get("labels");
    const filter = field("tracer-filter", `/  filter all ${labels.length} labels, Enter picks`);
    const all = bare("div", "tracer-labels tracer-all");
    const note = field("", "n  note, goes with the next answer");
    const foot = bare("div", "tracer-foot");
    const skip = keyed("", "s", "skip", () => send({ do: "skip" }));
    const undo = keyed("", "u", "undo", () => send({ do: "undo" }));
    foot.append(
      note,
      skip,
      undo,
      keyed("", "q", "finish", () => send({ do: "finish" }))
    );
    const last = bare("div", "tracer-last");
    last.setAttribute("aria-live", "polite");
    root.append(hide, line, bar, message, why, text, near, filter, all, foot, last);
    el.replaceChildren(root);
    let drawn = false;
    let waiting = null;
    let found = [];
    let at = 0;
    function send(what) {
      if (waiting !== null) return;
      waiting = setTimeout(() => {
        waiting = null;
        show("No answer from the kernel: is it running? What was answered before is stored.");
      }, PATIENCE2);
      model.send({ ...what, step: model.get("row").step, note: note.value });
    }
    const answer = (label) => send({ do: "answer", label });
    function show(words) {
      message.textContent = words;
      message.hidden = !words;
    }
    function choose() {
      found = matching(labels, filter.value);
      at = 0;
      all.replaceChildren(...found.map((label) => keyed("", "", label, () => answer(label))));
      if (!found.length) all.append(bare("span", "tracer-why", "no label has these letters"));
      mark();
    }
    function mark() {
      const active = document.activeElement === filter;
      for (const [i, node] of [...all.children].entries()) {
        node.classList.toggle("tracer-picked", active && i === at);
      }
      if (active) all.children[at]?.scrollIntoView({ block: "nearest" });
    }
    function update() {
      const row = model.get("row");
      const mine = root.contains(document.activeElement);
      clearTimeout(waiting);
      waiting = null;
      line.textContent = row.line;
      done.style.width = `${100 * row.done / Math.max(row.total, 1)}%`;
      show(row.message);
      last.textContent = row.last;
      undo.disabled = !row.undo;
      skip.disabled = row.over;
      if (row.message && drawn) return;
      drawn = true;
      why.textContent = row.why;
      text.textContent = row.text;
      text.scrollTop = 0;
      near.replaceChildren(
        ...row.shortlist.map(({ label, who }, i) => {
          const node = keyed("", String(i + 1), label, () => answer(label));
          if (who) node.append(bare("small", "", who));
          return node;
        })
      );
      note.value = row.note;
      note.hidden = near.hidden = row.over;
      filter.hidden = all.hidden = row.over || labels.length <= row.shortlist.length;
      filter.value = "";
      choose();
      if (mine) root.focus({ preventScroll: true });
    }
    const scrolling = {
      ArrowDown: () => 40,
      ArrowUp: () => -40,
      PageDown: () => text.clientHeight - 40,
      PageUp: () => 40 - text.clientHeight,
      Home: () => -text.scrollHeight,
      End: () => text.scrollHeight
    };
    function inFilter(event) {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (event.key === "Enter" && found.length) answer(found[at]);
      else if (event.key === "Escape") {
        filter.value = "";
        choose();
        root.focus({ preventScroll: true });
      } else if (step && (filter.value === "" || event.key.endsWith("Down") || event.key.endsWith("Up"))) {
        at = Math.min(Math.max(at + step, 0), found.length - 1);
        mark();
      } else return false;
      return true;
    }
    function press(event) {
      const row = model.get("row");
      const key = event.key.toLowerCase();
      if (event.target === filter) return inFilter(event);
      if (event.target === note) {
        if (event.key !== "Enter" && event.key !== "Escape") return false;
        root.focus({ preventScroll: true });
      } else if (/^[1-9]$/.test(key)) {
        if (!row.over && row.shortlist[key - 1]) answer(row.shortlist[key - 1].label);
      } else if (key === "s") skip.click();
      else if (key === "u") undo.click();
      else if (key === "q") send({ do: "finish" });
      else if (key === "n" && !row.over) note.focus();
      else if (key === "/" && !filter.hidden) filter.focus();
      else if (scrolling[event.key]) text.scrollTop += scrolling[event.key]();
      else return false;
      return true;
    }
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (press(event)) event.preventDefault();
      event.stopPropagation();
    });
    filter.addEventListener("input", choose);
    filter.addEventListener("focus", mark);
    filter.addEventListener("blur", mark);
    const guard = (event) => root.toggleAttribute("data-lm-suppress-shortcuts", !(event.ctrlKey || event.metaKey || event.altKey));
    window.addEventListener("keydown", guard, true);
    model.on("change:row", update);
    update();
    const busy = document.activeElement?.closest("input, textarea, [contenteditable='true']");
    if (!busy) requestAnimationFrame(() => root.focus({ preventScroll: true }));
    return () => {
      clearTimeout(waiting);
      window.removeEventListener("keydown", guard, true);
      model.off("change:row", update);
    };
  }
  return __toCommonJS(index_exports);
})();
