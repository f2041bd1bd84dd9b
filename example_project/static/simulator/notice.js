// @ts-check
/** The notice in its sheet: who asks, what for, how long; the text by a link, and a box that isn't ticked. */

import { button, element, words } from "./page_data.js";

/**
 * @typedef {object} Notice
 * @property {string} id
 * @property {string} title
 * @property {string} text
 * @property {string} version
 * @property {string} handler
 * @property {string | string[]} [recipients]
 * @property {number | null} [retention_days]
 */

/** A heading of the text, of any depth; a line of a list. */
const HEADING = /^#+ +/;
const ITEM = /^[-*] +/;

const tick = () => /** @type {HTMLInputElement} */ (element("notice-tick"));
const text = () => element("notice-text");

element("notice-tick").addEventListener("change", () => {
  button("notice-agree").disabled = !tick().checked;
});
element("notice-link").addEventListener("click", (event) => {
  event.preventDefault();
  text().hidden = !text().hidden;
  element("notice-link").setAttribute("aria-expanded", String(!text().hidden));
  if (!text().hidden) text().focus();
});

/** @param {Notice | null} notice */
export function showNotice(notice) {
  tick().checked = false;
  button("notice-agree").disabled = Boolean(notice);
  text().hidden = true;
  element("notice-link").setAttribute("aria-expanded", "false");
  for (const id of ["notice-facts", "notice-link", "notice-box"]) element(id).hidden = !notice;
  element("notice-none").hidden = Boolean(notice);
  element("notice-title").textContent = notice?.title ?? words("no-notice-title");
  if (notice) fillIn(notice);
}

/** @param {Notice} notice */
function fillIn({ handler, recipients, retention_days, text: whole }) {
  const days = retention_days ? words("days", { count: retention_days }) : words("until-withdrawn");
  fact("notice-handler", handler);
  fact("notice-recipients", [recipients ?? ""].flat().join("、"));
  fact("notice-days", days);
  text().replaceChildren(...whole.split("\n").filter((line) => line.trim()).map(paragraph));
}

/** @param {string} id @param {string} what */
function fact(id, what) {
  element(id).textContent = what;
  /** @type {HTMLElement} */ (element(id).parentElement).hidden = !what;
}

/** @param {string} line */
function paragraph(line) {
  const kind = HEADING.test(line) ? "h3" : "p";
  const made = document.createElement(kind);
  made.textContent = line.replace(HEADING, "").replace(ITEM, "· ").replaceAll("**", "");
  return made;
}
