// Light or dark: what the page says itself, else how bright the ground under the panel is.

function brightness(node) {
  for (let at = node; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor.match(/[\d.]+/g);
    if (!colour || (colour.length > 3 && Number(colour[3]) < 0.5)) continue;
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

// Calls `changed` now and whenever the page's theme changes; returns what ends that.
export function followTheme(root, changed) {
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

// The specification in the colours of the page.
/** @param {object} spec @param {Theme} theme */
export function inShades(spec, theme) {
  let text = JSON.stringify(spec);
  for (const [colour, shade] of Object.entries(SHADES[theme])) text = text.replaceAll(colour, shade);
  return JSON.parse(text);
}
