// What the kernel's side takes from here: the panel, the report's page, the review.

export { mountReport, render } from "./panel.js";
export { renderReview } from "./review.js";
