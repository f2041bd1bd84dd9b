// @ts-check
/** What the server put into the page: addresses, citizens, faults, and words in the visitor's language. */

/** @typedef {{key: string, name: string, note: string, maskedName: string, maskedNumber: string}} Citizen */
/** @typedef {{name: string, label: string, explanation: string, group: string, ways: Way[]}} Fault */
/** @typedef {"face" | "authorize" | "check"} Way */
/** @typedef {{name: number, label: string, explanation: string, group: string}} Verdict */
/** @typedef {"calm" | "warn" | "bad"} Tone */
/** @typedef {{title: string, advice: string, tone: Tone}} Outcome */
/**
 * @typedef {object} PageData
 * @property {string} language
 * @property {Record<"login-code" | "authorise" | "city-service" | "camera" | "id-card" | "place" | "wire", string>} urls
 * @property {Record<Way, {token: string, call: string}>} ways
 * @property {Citizen[]} citizens
 * @property {Fault[]} faults
 * @property {Verdict[]} verdicts
 * @property {Record<string, string>} texts
 * @property {Record<string, Outcome>} outcomes
 */

/** @type {PageData} */
export const data = JSON.parse(element("handed-over").textContent ?? "");

/**
 * The element with that id, which the page surely has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * The button with that id.
 * @param {string} id
 * @returns {HTMLButtonElement}
 */
export function button(id) {
  return /** @type {HTMLButtonElement} */ (element(id));
}

/**
 * Words in the visitor's language; `{count}` and the like are filled in.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function words(name, values = {}) {
  return data.texts[name].replace(/\{(\w+)\}/g, (_whole, key) => String(values[key]));
}
