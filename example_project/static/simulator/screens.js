// @ts-check
/** The mini-program's pages on the phone's glass: which one is seen, and what stands in it. */

import { button, data, element, words } from "./page_data.js";

/** @typedef {import("./outcomes.js").Failure} Failure */
/** @typedef {"home" | "check" | "result" | "failure" | "service" | "closed"} Screen */

/** @type {number | undefined} */
let countdown;
let opened = false;

/**
 * Show one page, and put the focus on its heading, as a page change does on a phone; not while the
 * visitor is choosing beside it, nor when the site was just opened.
 * @param {Screen} name
 */
export function show(name) {
  clearInterval(countdown);
  for (const screen of element("app").querySelectorAll("[data-screen]")) {
    const shown = screen.getAttribute("data-screen") === name;
    /** @type {HTMLElement} */ (screen).hidden = !shown;
    if (!shown) continue;
    const heading = screen.querySelector("h2");
    const beside = document.activeElement?.closest("#ways, #choices");
    if (opened && !beside) heading?.focus({ preventScroll: true });
    opened = true;
    say(heading?.textContent ?? "");
  }
  element("app").scrollTop = 0;
  element("notice").hidden = true;
  button("back").hidden = name === "home" || name === "closed";
}

/**
 * A line at the top of the first page.
 * @param {string} text
 */
export function notice(text) {
  const place = element("notice");
  place.textContent = text;
  place.hidden = false;
  say(text);
}

/**
 * Let the phone wait; without words it goes on.
 * @param {string} [text]
 */
export function wait(text = "") {
  element("wait").hidden = !text;
  element("wait-words").textContent = text;
  element("program").inert = Boolean(text);
  if (text) say(text);
}

/**
 * The masked record.
 * @param {{real_name: string, credential_id: string, verified_at: string}} record
 */
export function showRecord(record) {
  element("result-name").textContent = record.real_name;
  element("result-number").textContent = record.credential_id;
  const at = new Date(record.verified_at);
  element("result-time").textContent = at.toLocaleString(data.language);
  show("result");
}

/**
 * The mini-program is gone; what became of its record meanwhile, where that is known.
 * @param {string} [settled]
 */
export function showClosed(settled = "") {
  show("closed");
  element("settled").textContent = settled;
  element("settled").hidden = !settled;
  button("settle").hidden = Boolean(settled);
  if (settled) say(settled);
}

/** @param {{insured: string, balance: string}} account */
export function showAccount(account) {
  const style = /** @type {const} */ ({ style: "currency", currencyDisplay: "narrowSymbol" });
  const yuan = new Intl.NumberFormat(data.language, { ...style, currency: "CNY" });
  element("insured-name").textContent = account.insured;
  element("insured-balance").textContent = yuan.format(Number(account.balance));
  show("service");
}

/** @param {Failure} failure */
export function showFailure(failure) {
  const screen = /** @type {HTMLElement} */ (document.querySelector("[data-screen=failure]"));
  screen.dataset.tone = failure.tone;
  screen.dataset.code = failure.code;
  for (const part of /** @type {const} */ (["title", "detail", "advice"])) {
    element(`failure-${part}`).textContent = failure[part];
  }
  element("failure-code").textContent = failure.fineprint;
  const next = button("next");
  next.hidden = failure.next === "none";
  next.dataset.next = failure.next;
  show("failure");
  say(`${failure.title} ${failure.detail} ${failure.advice}`);
  if (!next.hidden) countDown(next, words(failure.next), failure.seconds);
}

/**
 * A button that comes back when so many seconds have gone by.
 * @param {HTMLButtonElement} next
 * @param {string} label
 * @param {number} seconds
 */
function countDown(next, label, seconds) {
  const draw = () => {
    next.disabled = seconds > 0;
    next.textContent = seconds > 0 ? words("retry-in", { seconds }) : label;
    if (seconds <= 0) clearInterval(countdown);
    seconds -= 1;
  };
  draw();
  if (next.disabled) countdown = setInterval(draw, 1000);
}

/**
 * For whoever doesn't see the glass.
 * @param {string} text
 */
function say(text) {
  element("said").textContent = text;
}
