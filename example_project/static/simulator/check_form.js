// @ts-check
/**
 * The page where the citizen types name and number. They live in the form and in one message, and
 * what surely is no ID number isn't sent.
 */

import { element, words } from "./page_data.js";

/** @typedef {import("./wechat_app.js").Typed} Typed */

/** The date in a number of 18 characters, and in one of the old 15. */
const SHAPES = [/^\d{6}(\d{4})(\d\d)(\d\d)\d{3}[\dX]$/, /^\d{6}(\d\d)(\d\d)(\d\d)\d{3}$/];

/** @param {Typed} typed */
export function fillIn(typed) {
  field("typed-name").value = typed.real_name;
  field("typed-number").value = typed.credential_id;
  complain("", "");
}

/**
 * What was typed; null when it can't be right, and then the form says why.
 * @returns {Typed | null}
 */
export function typed() {
  const real_name = field("typed-name").value.trim();
  const credential_id = field("typed-number").value.trim().toUpperCase();
  if (!real_name) complain("typed-name", words("no-name"));
  else if (!isNumber(credential_id)) complain("typed-number", words("no-number"));
  else complain("", "");
  return element("typed-hint").hidden ? { real_name, credential_id } : null;
}

/** @param {string} where @param {string} why */
function complain(where, why) {
  for (const id of ["typed-name", "typed-number"]) {
    field(id).setAttribute("aria-invalid", String(id === where));
  }
  element("typed-hint").textContent = why;
  element("typed-hint").hidden = !why;
  if (where) field(where).focus();
}

/**
 * Its shape and its date; the check digit isn't looked at, for wrong ones were issued.
 * @param {string} text
 */
function isNumber(text) {
  const date = SHAPES.map((shape) => shape.exec(text)).find(Boolean);
  if (!date) return false;
  const [year, month, day] = date.slice(1).map(Number);
  const born = new Date(Date.UTC(year, month - 1, day));
  return born.getUTCMonth() === month - 1 && born.getUTCDate() === day;
}

/** @param {string} id */
function field(id) {
  return /** @type {HTMLInputElement} */ (element(id));
}
