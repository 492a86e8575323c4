// The kernel behind the panel: whether it answers, and the server's way to interrupt it.

const PATIENCE = 4000; // milliseconds without a receipt

/** @param {string} path @param {string} method */
function serverCall(path, method) {
  const node = document.getElementById("jupyter-config-data");
  if (!node) return null;
  const config = JSON.parse(node.textContent);
  /** @type {Record<string, string>} */
  const headers = {};
  const xsrf = /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie);
  if (xsrf) headers["X-XSRFToken"] = decodeURIComponent(xsrf[1]);
  if (config.token) headers.Authorization = `token ${config.token}`;
  return fetch(config.baseUrl + path, { method, headers, credentials: "same-origin" });
}

// A kernel that runs a cell hears no widget, so the page asks the server to interrupt it, as
// the notebook's own stop button does. False where there is no such server.
export function interrupt(kernel) {
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

const GONE = "The kernel was restarted or is gone; run %tracer panel again. Answers are stored.";
const BUSY = "The kernel is busy with a cell; this is done as soon as that has ended.";
const SILENT = "No answer from the kernel: it is busy, or it was restarted; then run %tracer panel again.";

export const DEAF =
  "A running cell hears no click here. Interrupt the kernel (■) to stop it; every answer is kept.";

// Sends presses, and says when no receipt comes. `alive` is called at the first sign of life,
// `silent` with words for the user, "" when it answers again, `heard` with each receipt, and
// `ended` when the kernel is gone for good.
/** @param {Model} model */
export function makeLink(model, { alive, silent, heard, ended }) {
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
    if (model.get("sheet").blocking) return; // the cell is running: nothing is wrong
    if (!document.getElementById("jupyter-config-data")) silent(SILENT);
    else if (await isBusy(kernel)) silent(BUSY);
    else silent(GONE); // it may yet answer
  }

  /** @param {Press} what */
  function send(what) {
    number += 1;
    if (timer === null && !gone) timer = setTimeout(late, PATIENCE);
    try {
      model.send({ ...what, number, run: model.get("sheet").run });
    } catch {
      lost(); // the connection was closed with its kernel
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
  // Jupyter's own word for a comm that was closed, by a restart for example.
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
    },
  };
}

// Only a cell that went while its notebook stayed was deleted: a closed tab, a cleared output
// or a cell scrolled out of sight stops nothing.
export function watchCell(el, deleted) {
  let cell = null;
  let notebook = null;
  // The output is put into the page after it is made.
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
