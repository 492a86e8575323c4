// A chart that is made once; afterwards only its data change.

import { button, make } from "./dom.js";
import { inShades } from "./theme.js";

// A line in pieces of at most so many characters, where words allow it.
/** @param {string} line @param {number} most @returns {string[]} */
export function broken(line, most) {
  const lines = [""];
  for (const word of line.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= most) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.filter(Boolean);
}

// `label` says what it shows to those who do not see it; `click` is called with the data of a
// mark that was clicked.
/** @param {string} label @param {((datum: Datum) => unknown) | null} [click] */
export function makeChart(label, click) {
  const node = make("div", click ? "tracer-chart tracer-clickable" : "tracer-chart");
  const picture = node.appendChild(make("div"));
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", label);
  const files = node.appendChild(make("div", "tracer-files"));
  for (const kind of /** @type {const} */ (["svg", "png"])) {
    const save = button(kind.toUpperCase(), () => keep(kind));
    save.setAttribute("aria-label", `Save as ${kind.toUpperCase()}: ${label}`);
    files.append(save);
  }
  node.hidden = true;
  let spec = null;
  /** @type {Data} */
  let data = {};
  /** @type {Data} */
  let own = {}; // data sets that the page itself puts in
  /** @type {Theme} */
  let theme = "light";
  /** @type {VegaView | null} */
  let view = null;
  let drawn = "";
  let again = false;

  function wanted() {
    return `${theme} ${JSON.stringify(spec)}`;
  }

  // On narrow pages the lines of the title are broken again.
  function rows(width) {
    const all = { ...data, ...own };
    const most = Math.floor(width / 7);
    const title = all.about?.[0]?.title;
    if (!title?.some((line) => line.length > most)) return all;
    const narrow = title.flatMap((line) => broken(line, most));
    // By its names alone: a row that was drawn carries a hidden mark, and must not be taken for it.
    const about = Object.fromEntries(Object.entries(all.about[0]));
    return { ...all, about: [{ ...about, title: narrow }] };
  }

  // Draws anew when the specification or the theme is another, else changes the data alone.
  async function update() {
    const width = node.clientWidth;
    if (spec === null) return;
    if (width === 0) {
      // Another tab is open: it is drawn when it has a width. Or the page changes its theme and
      // lays out nothing for a moment, which no observer sees: look once more.
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
    const place = make("div");
    const made = await vegaEmbed(place, full, {
      actions: false,
      renderer: "svg",
      ast: true, // no eval: pages may forbid it
      tooltip: { theme: shades },
    });
    view?.finalize();
    view = made.view;
    if (click) view.addEventListener("click", (_event, item) => item?.datum && click(item.datum));
    picture.replaceChildren(place); // the old picture stays until the new one is there
    node.dataset.theme = shades;
  }

  /** @param {"svg" | "png"} kind */
  async function keep(kind) {
    if (!view) return;
    const link = document.createElement("a");
    link.href = await view.toImageURL(kind, kind === "png" ? 2 : 1);
    link.download = `${label}.${kind}`;
    link.click();
  }

  // One step at a time; several wishes that wait are one.
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
    setOwn(name, rows) {
      own = rows === null ? {} : { ...own, [name]: rows };
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
    },
  };
}
