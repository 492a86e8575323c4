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
  function makeChart(label, click) {
    const node = make("div", click ? "tracer-chart tracer-clickable" : "tracer-chart");
    const picture = node.appendChild(make("div"));
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", label);
    const files = node.appendChild(make("div", "tracer-files"));
    for (
      const kind of
      /** @type {const} */
      ["svg", "png"]
    ) {
      const save = button(kind.toUpperCase(), () => keep(kind));
      save.setAttribute("aria-label", `Save as ${kind.toUpperCase()}: ${label}`);
      files.append(save);
    }
    node.hidden = true;
    let spec = null;
    let data = {};
    let own2 = {};
    let theme = "light";
    let view = null;
    let drawn = "";
    let again = false;
    function wanted() {
      return `${theme} ${JSON.stringify(spec)}`;
    }
    function rows(width) {
      const all = { ...data, ...own2 };
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
        renderer: "svg",
        ast: true,
        // no eval: pages may forbid it
        tooltip: { theme: shades }
      });
      view?.finalize();
      view = made2.view;
      if (click) view.addEventListener("click", (_event, item) => item?.datum && click(item.datum));
      picture.replaceChildren(place2);
      node.dataset.theme = shades;
    }
    async function keep(kind) {
      if (!view) return;
      const link = document.createElement("a");
      link.href = await view.toImageURL(kind, kind === "png" ? 2 : 1);
      link.download = `${label}.${kind}`;
      link.click();
    }
    let queue = Promise.resolve();
    let waiting = false;
    function enqueue(step) {
      queue = queue.then(step).catch((error) => {
        drawn = "";
        const words = `This chart could not be drawn: ${error.message}`;
        picture.replaceChildren(make("p", "tracer-warn", words));
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
        own2 = rows2 === null ? {} : { ...own2, [name]: rows2 };
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

  // src/terms.js
  var escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  var pattern = null;
  function terms() {
    if (pattern === null) {
      const names = Object.keys(GLOSSARY).sort((a, b) => b.length - a.length);
      pattern = new RegExp(`\\b(${names.map(escaped).join("|")})s?\\b`, "i");
    }
    return pattern;
  }
  var termOf = (word) => {
    const low = word.toLowerCase();
    return low in GLOSSARY ? low : low.replace(/s$/, "");
  };
  function pieces(text, told) {
    const found = [];
    let rest = text;
    let from = 0;
    for (; ; ) {
      const match = rest.slice(from).match(terms());
      if (!match) break;
      const at = from + (match.index ?? 0);
      const term = termOf(match[0]);
      from = at + match[0].length;
      if (told.has(term)) continue;
      told.add(term);
      found.push({ text: rest.slice(0, at), term: null }, { text: match[0], term });
      rest = rest.slice(from);
      from = 0;
    }
    return [...found, { text: rest, term: null }].filter((piece) => piece.text);
  }
  function explain(node) {
    const told = /* @__PURE__ */ new Set();
    for (const mark of node.querySelectorAll("abbr")) mark.replaceWith(mark.textContent ?? "");
    node.normalize();
    const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walk.nextNode()) texts.push(walk.currentNode);
    for (const text of texts) {
      const parts = pieces(text.textContent ?? "", told);
      if (!parts.some(({ term }) => term)) continue;
      text.replaceWith(
        ...parts.map(({ text: words, term }) => {
          if (!term) return document.createTextNode(words);
          const mark = bare("abbr", "", words);
          mark.title = GLOSSARY[term];
          return mark;
        })
      );
    }
  }
  function makeWords() {
    const node = make("details", "tracer-words");
    const list = make("dl");
    for (const [term, words] of Object.entries(GLOSSARY)) {
      list.append(make("dt", "", term), make("dd", "", words));
    }
    node.append(make("summary", "", "Words"), list);
    return node;
  }

  // src/audits.js
  function makeAudits(act) {
    const node = make("div");
    const lines = make("div");
    const chart = makeChart("Agreement on audited texts over the number of audits");
    const how = make("p");
    const code = make("pre", "tracer-magic");
    const audit = button("", () => act?.audit());
    audit.hidden = true;
    node.append(lines, chart.node, audit, how, code);
    return {
      node,
      chart,
      set(values) {
        lines.dataset.kind = values.state === "alarm" ? "refused" : "";
        lines.replaceChildren(...paragraphs(values.lines));
        explain(lines);
        audit.hidden = !act || !values.button;
        say(audit, values.button ?? "");
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
    const first = make("div");
    const lines = make("div");
    const sentences = make("div");
    const charts = {
      lost: makeChart("Rows that the surrogate answers, and why not the others"),
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
      slices: makeTable(act),
      pairs: makeTable(act),
      suspects: makeTable(act)
    };
    const groups = [
      ["Which labels are taken for each other", charts.agreement, charts.confusion],
      ["What would let the surrogate answer more rows", charts.lost, { node: sentences }, tables.gains],
      ["Groups of rows that disagree more", charts.slices, tables.slices],
      ["Rows to look at", tables.suspects, tables.pairs],
      ["Whether the gate's scores can be believed", charts.reliability],
      ["Everything in sentences", { node: lines }]
    ];
    const parts = groups.map(([title, ...inner]) => {
      const part = make("details", "tracer-part");
      part.append(keepKeys(make("summary", "", title)), ...inner.map((one) => one.node));
      part.open = !act;
      return { part, inner };
    });
    node.append(empty, state, again, first, ...parts.map(({ part }) => part));
    let wanted = false;
    again.hidden = true;
    function ask() {
      if (act && wanted && !node.hidden) act.analyse();
    }
    function fold() {
      for (const { part, inner } of parts) {
        part.hidden = inner.every((one) => one.node.hidden || !one.node.childNodes.length);
      }
    }
    return {
      node,
      charts,
      set(values) {
        wanted = values.state === "open";
        say(state, act ? values.words : "");
        state.hidden = !state.textContent;
        again.hidden = !act || values.state !== "failed";
        first.replaceChildren(
          ...values.first.map(({ words, where }) => {
            const found = make("div", "tracer-finding");
            found.append(...paragraphs([words]));
            if (open && Object.keys(where).length) found.append(button("Show", () => open(where)));
            return found;
          })
        );
        lines.replaceChildren(...paragraphs(values.lines));
        sentences.replaceChildren(...paragraphs(values.lost));
        for (const [name, table] of Object.entries(tables)) table.set(values.tables[name]);
        fold();
        ask();
      },
      setEmpty() {
        fold();
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
  function explained(words) {
    return make("p", "tracer-small tracer-explanation", `Teacher's explanation: ${words}`);
  }
  function makeExplorer(send, review) {
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
    const top = make("p", "tracer-small", hint);
    node.append(title, filters, names, top, list, pages);
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
    const isLabel = (typed) => labels.includes(typed) || typed.split(";").every((part) => labels.includes(part.trim()));
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
      label.addEventListener("input", () => relabel.disabled = !isLabel(label.value.trim()));
      const acts = make("div", "tracer-row");
      acts.append(label, relabel);
      if (row.teacher) {
        acts.append(button("Send to review", () => review(row.row)));
      }
      acts.append(said);
      items.set(row.row, said);
      item.append(text, facts, ...row.explanation ? [explained(row.explanation)] : [], acts);
      return item;
    }
    return {
      node,
      top,
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

  // src/points.js
  var CELLS = 128;
  var SHIFT = 9;
  var own = (part) => part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength);
  function readPoints(map) {
    return {
      n: map.n,
      x: new Uint16Array(own(map.x)),
      y: new Uint16Array(own(map.y)),
      row: new Int32Array(own(map.row)),
      status: new Uint8Array(own(map.status)),
      label: new Uint16Array(own(map.label))
    };
  }
  function makeGrid({ n, x, y }) {
    const starts = new Uint32Array(CELLS * CELLS + 1);
    const cell = (i) => (y[i] >> SHIFT) * CELLS + (x[i] >> SHIFT);
    for (let i = 0; i < n; i++) starts[cell(i) + 1] += 1;
    for (let c = 0; c < CELLS * CELLS; c++) starts[c + 1] += starts[c];
    const order = new Uint32Array(n);
    const next = starts.slice();
    for (let i = 0; i < n; i++) order[next[cell(i)]++] = i;
    return { starts, order };
  }
  function nearest(points, { starts, order }, px, py, most, shown = (_i) => true) {
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
  function surrounded({ n, x, y }, line, shown = (_i) => true) {
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
        if (px < (xs[b] - xs[a]) * (py - ys[a]) / (ys[b] - ys[a]) + xs[a]) inside = !inside;
      }
      if (inside) found.push(i);
    }
    return found;
  }

  // src/scatter.js
  var PLACES = 65535;
  var HEIGHT = 460;
  var MARGIN = 14;
  var REACH = 9;
  var REST = 120;
  var FEW2 = 6e3;
  var RARE = "disagree";
  function makeScatter({ pick, select, ask }) {
    const node = make("div", "tracer-scatter");
    const title = make("p", "tracer-small");
    const legend = make("div", "tracer-legend");
    const place2 = make("div", "tracer-plane");
    place2.setAttribute("role", "img");
    place2.setAttribute("aria-label", "Texts of the column as points");
    const canvas = place2.appendChild(make("canvas"));
    const tip = place2.appendChild(make("div", "tracer-tip"));
    tip.hidden = true;
    const tools = make("div", "tracer-row");
    const hint = make(
      "span",
      "tracer-small",
      "Draw a line around points to see their rows; click one for itself. Shift and drag moves, Ctrl and wheel zooms."
    );
    tools.append(
      button("+", () => zoom(1.5)),
      button("−", () => zoom(1 / 1.5)),
      button("Whole map", () => {
        seen = { scale: 1, x: PLACES / 2, y: PLACES / 2 };
        soon();
      }),
      hint
    );
    tools.children[0].setAttribute("aria-label", "Zoom in");
    tools.children[1].setAttribute("aria-label", "Zoom out");
    node.append(title, legend, place2, tools);
    node.hidden = true;
    let map = null;
    let points = null;
    let grid = null;
    let by = "status";
    let theme = "light";
    let groups = [];
    let hidden = /* @__PURE__ */ new Set();
    let seen = { scale: 1, x: PLACES / 2, y: PLACES / 2 };
    const size = { width: 0, height: HEIGHT };
    let line = null;
    let pressed = null;
    let asked = -1;
    let timer = null;
    const known = /* @__PURE__ */ new Map();
    const factor = () => [
      (size.width - 2 * MARGIN) / PLACES * seen.scale,
      (size.height - 2 * MARGIN) / PLACES * seen.scale
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
    const groupOf = (i) => by === "status" ? points.status[i] : labelGroup(points.label[i]);
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
      const rest2 = map.names.length - (n - 1);
      const name = (g) => {
        if (by === "status") return map.statuses[g];
        if (g < n - 1) return map.names[g];
        return rest2 > 0 ? `${rest2.toLocaleString("en-GB")} other labels` : "no label yet";
      };
      const order = by === "status" ? map.layering : [n - 1, ...Array(n - 1).keys()];
      groups = order.filter((g) => counts[g]).map((g) => ({ at: g, name: name(g), colour: map.colours[by][g], members: members[g] }));
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
      size.width = place2.clientWidth;
      if (!points || !size.width) return;
      const ratio = devicePixelRatio || 1;
      canvas.width = size.width * ratio;
      canvas.height = size.height * ratio;
      canvas.style.height = `${size.height}px`;
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      const [fx, fy] = factor();
      const [dx, dy] = [size.width / 2 - seen.x * fx, size.height / 2 - seen.y * fy];
      const few = points.n <= FEW2;
      const width = few ? 6 : Math.min(5, (points.n > 3e4 ? 2 : 3) * Math.sqrt(seen.scale));
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
        drawn.map(([x, y]) => (
          /** @type {[number, number]} */
          toPlace(x, y)
        )),
        shown
      ).map((i) => points.row[i]);
      if (rows.length) select(rows);
    });
    canvas.addEventListener("pointerleave", leave);
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        const [x, y] = toPlace(...where(event));
        zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, [x, y]);
      },
      { passive: false }
    );
    const sizes = new ResizeObserver(soon);
    sizes.observe(place2);
    return {
      node,
      set(next) {
        map = next?.n ? next : null;
        node.hidden = map === null;
        if (map === null) return;
        points = readPoints(map);
        grid = makeGrid(points);
        known.clear();
        hidden = /* @__PURE__ */ new Set();
        seen = { scale: 1, x: PLACES / 2, y: PLACES / 2 };
        say(title, map.title.join(". "));
        sort();
      },
      setColour(next) {
        by = next;
        hidden = /* @__PURE__ */ new Set();
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
      close: () => sizes.disconnect()
    };
  }

  // src/map.js
  var MOST = 1e4;
  function makeMap(send, open) {
    const node = make("div");
    const row = make("div", "tracer-row");
    const method = make("select");
    const colour = make("select");
    for (const [field2, values] of [
      [method, { "t-sne": "t-SNE", pca: "principal components", umap: "UMAP, if installed" }],
      [colour, { status: "agreement", label: "label" }]
    ]) {
      for (const [value, text] of Object.entries(values)) {
        field2.append(Object.assign(make("option", "", text), { value }));
      }
    }
    const again = button("Draw again", ask);
    const said = make("span", "tracer-small");
    said.setAttribute("role", "status");
    const scatter = makeScatter({
      pick: (at) => open({ row: at }),
      select(rows) {
        const cut = rows.length > MOST;
        say(
          said,
          cut ? `The first ${MOST.toLocaleString("en-GB")} of ${rows.length.toLocaleString("en-GB")}` : ""
        );
        open({ lasso: rows.slice(0, MOST) });
      },
      ask: (at) => send({ do: "point", row: at })
    });
    method.addEventListener("change", ask);
    colour.addEventListener("change", () => scatter.setColour(colour.value));
    row.append(makeChoice("Layout", method), makeChoice("Colour", colour), again, said);
    node.append(row, scatter.node);
    let asked = false;
    function ask() {
      asked = true;
      say(said, "Drawing… (some seconds)");
      send({ do: "map", method: method.value });
    }
    return {
      node,
      scatter,
      opened: () => !asked && ask(),
      /** @param {any} values */
      set(values) {
        scatter.set(values);
        asked = asked || Boolean(values?.n);
      },
      /** @param {Reply} reply */
      hear(reply) {
        if (reply.point !== void 0) {
          scatter.hear(reply.point);
          return;
        }
        if (!reply.map) {
          if (reply.heard !== void 0 && said.textContent.startsWith("Drawing…")) say(said, "");
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
    function showTarget() {
      const choice = choices[target.input.value];
      say(target.value, choice.name);
      target.input.setAttribute("aria-valuetext", `${choice.name}. ${choice.words}`);
      say(words, choice.words);
      words.dataset.kind = choice.certified ? "certified" : "estimate";
      row.hidden = choice.target === main;
      const text = `looked at: ${choice.name}`;
      const line = { coverage: 5e-3, agreement: choice.target, text };
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
        `By hand, not certified: ${percent(at.coverage)} of the tested rows are at or above it, and ${percent(at.agreement)} of these agree (90 % interval ${percent(at.low)} to ${percent(at.high)}). A threshold that was chosen by looking promises nothing.`
      );
      hand.input.setAttribute("aria-valuetext", handWords.textContent);
      frontier.setOwn("hand", [
        { coverage: at.coverage, agreement: at.agreement, text, right: at.coverage > 0.5 }
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
    const meaning = make("details", "tracer-meaning");
    const long = make("div", "tracer-small");
    meaning.append(make("summary", "", "What this means"), long);
    const card = make("details");
    const written = keepKeys(make("pre", "tracer-code tracer-card-text"));
    written.tabIndex = 0;
    card.append(make("summary", "", "Model card (Markdown)"), written);
    const members = make("div");
    const control = makeControl(frontier, targets, choose);
    node.append(lead, facts, head, meaning, lines, frontier.node, control.node, targets.node);
    node.append(members, card, makeWords());
    return {
      node,
      control,
      /** @param {Overview} page */
      set({
        kind,
        bill,
        leads,
        head: words,
        facts: figures,
        lines: sentences,
        meaning: said,
        card: text,
        tables
      }) {
        head.dataset.kind = kind;
        say(lead, bill);
        lead.hidden = !bill;
        facts.classList.toggle("tracer-leading", leads);
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
        long.replaceChildren(...paragraphs(said));
        meaning.hidden = !said.length;
        for (const part of [facts, head, long, lines]) explain(part);
        say(written, text);
        card.hidden = !text;
        members.replaceChildren(
          ...tables.map((values) => {
            const table = makeTable(null, values);
            table.set(values);
            return table.node;
          })
        );
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
    const start = make("span", "tracer-small tracer-will");
    const message = make("div", "tracer-message");
    message.setAttribute("role", "alert");
    node.append(state, line, buttons, start, bar, message);
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
        say(start, sheet.start ?? "");
        start.hidden = !start.textContent;
        if (each.start.hidden === false) say(each.start, sheet.state === "done" ? "Run again" : NAMES.start);
        bar.hidden = sheet.state !== "running";
        said = sheet.message + direction(node, sheet.newer);
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
  function direction(node, name) {
    const other = name && document.querySelector(`[data-tracer-static="${name}"]`);
    if (!other) return "";
    const below = node.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
    return below ? " It is below." : " It is above.";
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
    const terms2 = plain(typed).split(" ");
    const found = labels.filter((label) => terms2.every((term) => plain(label).includes(term)));
    const first = (label) => Number(plain(label).startsWith(plain(typed)));
    return typed.trim() ? found.sort((a, b) => first(b) - first(a)) : found;
  }
  function toggled(chosen, label) {
    return chosen.includes(label) ? chosen.filter((one) => one !== label) : [...chosen, label];
  }
  function renderReview({ model, el }) {
    const root = bare("div", "tracer-review");
    root.tabIndex = 0;
    root.setAttribute("role", "group");
    const keys = model.get("several") ? "digits turn labels on and off, a answers" : "digits choose";
    root.setAttribute("aria-label", `Review of labels; ${keys}, s skips, u takes back`);
    const summary = model.get("summary");
    const hide = bare("style", "", summary ? `#${summary}{display:none}` : "");
    const line = bare("div", "tracer-line");
    const bar = bare("div", "tracer-bar");
    const done = bar.appendChild(bare("div"));
    const message = bare("div", "tracer-message");
    message.setAttribute("role", "alert");
    const why = bare("div", "tracer-why");
    const text = bare("div", "tracer-text");
    const explanation = bare("div", "tracer-why");
    const near = bare("div", "tracer-labels");
    const labels = model.get("labels");
    const several = model.get("several");
    const picks = several ? "Enter turns one on or off" : "Enter picks";
    const filter = field("tracer-filter", `/  filter all ${labels.length} labels, ${picks}`);
    const all = bare("div", "tracer-labels tracer-all");
    const note = field("", "n  note, goes with the next answer");
    const foot = bare("div", "tracer-foot");
    const skip = keyed("", "s", "skip", () => send({ do: "skip" }));
    const undo = keyed("", "u", "undo", () => send({ do: "undo" }));
    const ready = keyed("", "a", "", () => send({ do: "answer", label: [...chosen] }));
    const choice = ready.querySelector("span");
    ready.hidden = !several;
    foot.append(
      note,
      ready,
      skip,
      undo,
      keyed("", "q", "finish", () => send({ do: "finish" }))
    );
    const last = bare("div", "tracer-last");
    last.setAttribute("aria-live", "polite");
    root.append(hide, line, bar, message, why, text, explanation, near, filter, all, foot, last);
    el.replaceChildren(root);
    let drawn = false;
    let waiting = null;
    let found = [];
    let at = 0;
    let chosen = [];
    function send(what) {
      if (waiting !== null) return;
      waiting = setTimeout(() => {
        waiting = null;
        show("No answer from the kernel: is it running? What was answered before is stored.");
      }, PATIENCE2);
      model.send({ ...what, step: model.get("row").step, note: note.value });
    }
    const answer = (label) => several ? turn(label) : send({ do: "answer", label });
    function turn(label) {
      chosen = toggled(chosen, label);
      light();
    }
    function light() {
      if (!several) return;
      for (const node of [...near.children, ...all.querySelectorAll("button")]) {
        node.setAttribute("aria-pressed", String(chosen.includes(node.dataset.label)));
      }
      choice.textContent = chosen.length ? `answer ${chosen.join("; ")}` : "answer none of them";
    }
    function labelled(key, label) {
      const node = keyed("", key, label, () => answer(label));
      node.dataset.label = label;
      return node;
    }
    function show(words) {
      message.textContent = words;
      message.hidden = !words;
    }
    function choose() {
      found = matching(labels, filter.value);
      at = 0;
      all.replaceChildren(...found.map((label) => labelled("", label)));
      if (!found.length) all.append(bare("span", "tracer-why", "no label has these letters"));
      mark();
      light();
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
      explanation.textContent = row.explanation;
      explanation.hidden = !row.explanation;
      near.replaceChildren(
        ...row.shortlist.map(({ label, who }, i) => {
          const node = labelled(String(i + 1), label);
          if (who) node.append(bare("small", "", who));
          return node;
        })
      );
      chosen = row.chosen;
      note.value = row.note;
      note.hidden = near.hidden = row.over;
      ready.disabled = row.over;
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
      } else if (key === "a" && several) ready.click();
      else if (key === "s") skip.click();
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

  // src/seat.js
  function makeSeat(model, send) {
    const node = make("div");
    let leave = null;
    let called = false;
    let back = () => {
    };
    const own2 = {
      get: (name) => name === "row" ? model.get("row") : model.get("review")[name],
      send: (said) => send({ do: "judge", said }),
      on: (event, listen) => model.on(event, listen),
      off: (event, listen) => model.off(event, listen)
    };
    function close() {
      const mine = node.contains(document.activeElement);
      leave?.();
      leave = null;
      node.replaceChildren();
      return mine;
    }
    return {
      node,
      close,
      // Whether a review of these rows takes place.
      /** @param {string} of */
      taken: (of) => leave !== null && model.get("review").of === of,
      // Pressed in this view: it is shown behind that place, however far up the page stands, and the
      // keys go back to what was pressed when it is closed.
      /** @param {HTMLElement} place @param {Element | null} pressed */
      come(place2, pressed) {
        called = true;
        place2.after(node);
        back = () => pressed instanceof HTMLElement && pressed.focus({ preventScroll: true });
      },
      /** @param {any} values */
      set(values) {
        const mine = close();
        if (values?.labels) {
          leave = renderReview({ model: own2, el: node });
          if (called) requestAnimationFrame(() => node.scrollIntoView({ block: "nearest" }));
        } else if (mine) back();
        called = false;
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
            set.setAttribute("aria-label", group);
            set.append(...rows);
            if (group === "Essential") return set;
            const folded = make("details");
            const given = options.filter((option) => option.group === group && option.value).length;
            folded.append(make("summary", "", given ? `${group}: ${given} set` : group), set);
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

  // src/steps.js
  function makeSteps(act, seat) {
    const node = make("div", "tracer-steps");
    const row = make("div", "tracer-row");
    const save = button("Save the router", () => act.save());
    const kinds = [
      button("Rows as CSV", () => act.write("csv")),
      button("Rows as Parquet", () => act.write("parquet"))
    ];
    const said = make("span", "tracer-small");
    said.setAttribute("role", "status");
    const second = make("div", "tracer-row");
    const update = button("", () => act.update());
    second.append(update);
    const plan = make("div", "tracer-small");
    const told = make("div");
    const lines = make("div");
    const fourth = make("div", "tracer-row");
    const back = button("", () => act.back());
    fourth.append(back);
    const other = make("p", "tracer-small");
    const third = make("div", "tracer-row");
    const review = button("", () => {
      const opened = !seat.taken("mixed");
      seat.come(third, review);
      act.sit(opened);
    });
    third.append(review);
    row.append(save, ...kinds, said);
    node.append(make("h3", "", "What next"), row, second, plan, told, fourth, other, third, seat.node, lines);
    node.hidden = true;
    return {
      node,
      /** @param {any} values */
      set(values) {
        node.hidden = !(values?.save || values?.review);
        if (node.hidden) return;
        row.hidden = !values.save;
        for (const one of kinds) one.hidden = !values.export;
        say(review, values.review);
        third.hidden = !values.review;
        say(update, values.update);
        second.hidden = !values.update;
        plan.hidden = !values.plan.length;
        plan.replaceChildren(...paragraphs(values.plan));
        say(back, values.back);
        say(other, values.other);
        fourth.hidden = other.hidden = !values.back;
        told.hidden = !values.told.length;
        told.replaceChildren(make("b", "", "What came of the update"), ...paragraphs(values.told));
        for (const one of [plan, told, other]) explain(one);
        lines.replaceChildren(
          ...values.lines.map(({ words, line }) => {
            const part = make("p", "tracer-small", `${words}: `);
            part.append(keepKeys(make("code", "", line)));
            return part;
          })
        );
      },
      /** @param {Reply} reply */
      hear(reply) {
        if (reply.written) say(said, reply.written);
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
    const audits = makeAudits(act);
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
    const explorer = makeExplorer(send, (row) => act.review(row));
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
      sit: (opened) => send({ do: "sit", opened })
    };
    const figures = makeFigures(act);
    const seat = makeSeat(model, send);
    const steps = makeSteps(act, seat);
    figures.overview.node.append(steps.node);
    const map = makeMap(send, (where) => explorer.open(where));
    const { charts } = figures;
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
        for (const part of [settings, explorer, map, figures.gaps, steps]) part.hear(reply);
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
      map: (values) => map.set(values),
      steps: (values) => steps.set(values),
      review: (values) => seat.set(values),
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
    let folded = [];
    addEventListener("beforeprint", () => {
      folded = [...root.querySelectorAll("details:not([open])")];
      for (const part of folded) part.open = true;
    });
    addEventListener("afterprint", () => {
      for (const part of folded) part.open = false;
    });
  }
  return __toCommonJS(index_exports);
})();
