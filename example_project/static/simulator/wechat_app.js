// @ts-check
/** What WeChat's own app does around a mini-program; the local sandbox stands behind it. */

import { data } from "./page_data.js";

/** @typedef {{real_name: string, credential_id: string}} Typed */

/**
 * What WeChat gave the mini-program for its citizen's consent (of `auth_token` and `code` one), what
 * was typed with it, and how the sandbox's ledger knows it.
 * @typedef {object} Grant
 * @property {import("./page_data.js").Way} way
 * @property {string} token
 * @property {Typed} [typed]
 * @property {string} [notice] the id of the notice that the citizen agreed to
 * @property {string} digest
 * @property {number} since
 */

/**
 * One call that our server made to WeChat, the fault that it met, and what a check came to.
 * @typedef {object} LedgerCall
 * @property {string} call
 * @property {string} at
 * @property {number | null} errcode
 * @property {boolean} consumed
 * @property {string} [fault]
 * @property {Record<string, string | number> | null} [verdict]
 */

/** @typedef {"success" | "fail"} PhoneSays */

/** @typedef {{mch_id: string, cert_serialno: string, calls: LedgerCall[]}} Wire */

/** The local sandbox can't be asked. */
export class SandboxGone extends Error {}

/**
 * wx.login: a code, of a WeChat user who is new to the mini-program; WeChat alone knows the openid.
 * @returns {Promise<{code: string, openid: string}>}
 */
export function login() {
  return ask(data.urls["login-code"], {});
}

/**
 * The citizen agreed, and typed the payment password.
 * @param {string} citizen
 * @param {string} fault
 * @returns {Promise<Grant>}
 */
export async function authorise(citizen, fault) {
  const { auth_token: token, ...known } = await ask(data.urls.authorise, { citizen, fault });
  return { way: "authorize", token, ...known };
}

/**
 * The citizen agreed in WeChat's city service, which returns to the mini-program.
 * @param {string} citizen
 * @param {string} fault
 * @param {string} openid
 * @returns {Promise<Grant>}
 */
export async function visit(citizen, fault, openid) {
  const asked = { citizen, fault, openid };
  const { code: token, ...known } = await ask(data.urls["city-service"], asked);
  return { way: "check", token, ...known };
}

/**
 * The citizen before WeChat's camera: what it came to, and what the phone receives.
 * @param {string} verify_id
 * @param {number} verdict
 * @param {string} fault
 * @returns {Promise<{verify_ret: number, phone: PhoneSays}>}
 */
export function camera(verify_id, verdict, fault) {
  return ask(data.urls.camera, { verify_id, verdict, fault });
}

/**
 * What the citizen reads off the ID card; a fault that lies in the number brings its own.
 * @param {string} citizen
 * @param {string} fault
 * @returns {Promise<Typed>}
 */
export function idCard(citizen, fault) {
  return ask(`${data.urls["id-card"]}?${new URLSearchParams({ citizen, fault })}`);
}

/**
 * How long the sandbox's ledger is now.
 * @returns {Promise<{since: number}>}
 */
export function place() {
  return ask(data.urls.place);
}

/**
 * What our server has asked WeChat about a face since then.
 * @param {string} face the record's id
 * @param {number} since
 * @returns {Promise<Wire>}
 */
export function faceWire(face, since) {
  return ask(`${data.urls.wire}?face=${face}&since=${since}`);
}

/**
 * What our server has asked WeChat about this grant so far.
 * @param {Pick<Grant, "digest" | "since">} grant
 * @returns {Promise<Wire>}
 */
export function wire({ digest, since }) {
  return ask(`${data.urls.wire}?digest=${digest}&since=${since}`);
}

/**
 * @param {string} address
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function ask(address, body) {
  const token = /** @type {HTMLInputElement} */ (
    document.querySelector("[name=csrfmiddlewaretoken]")
  ).value;
  const answer = await fetch(address, {
    method: body ? "POST" : "GET",
    headers: body ? { "Content-Type": "application/json", "X-CSRFToken": token } : {},
    body: body && JSON.stringify(body),
  }).catch(() => null);
  if (!answer?.ok) throw new SandboxGone();
  return answer.json();
}
