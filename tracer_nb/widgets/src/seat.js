// The review inside of the panel: its page, with the panel's own way to the kernel.

import { make } from "./dom.js";
import { renderReview } from "./review.js";

/** @param {Model} model @param {(what: Press) => void} send */
export function makeSeat(model, send) {
  const node = make("div");
  let leave = null;
  let called = false;
  let back = () => {};
  /** @type {Model} */
  const own = {
    get: (name) => (name === "row" ? model.get("row") : model.get("review")[name]),
    send: (said) => send({ do: "judge", said }),
    on: (event, listen) => model.on(event, listen),
    off: (event, listen) => model.off(event, listen),
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
    come(place, pressed) {
      called = true;
      place.after(node);
      back = () => pressed instanceof HTMLElement && pressed.focus({ preventScroll: true });
    },
    /** @param {any} values */
    set(values) {
      const mine = close();
      if (values?.labels) {
        leave = renderReview({ model: own, el: node });
        if (called) requestAnimationFrame(() => node.scrollIntoView({ block: "nearest" }));
      } else if (mine) back();
      called = false;
    },
  };
}
