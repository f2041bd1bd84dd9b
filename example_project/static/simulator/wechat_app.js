// @ts-check
/** What WeChat's own app does around a mini-program; the local sandbox stands behind it. */

import { data } from "./page_data.js";

/** What the button's event carries, and how the sandbox's ledger knows it.
 * @typedef {{auth_token: string, digest: string, since: number}} Authorisation */

/** One call that our server made to WeChat, and the fault that it met.
 * @typedef {{call: string, at: string, errcode: number | null, consumed: boolean, fault?: string}} LedgerCall */

/** @typedef {{mch_id: string, cert_serialno: string, calls: LedgerCall[]}} Wire */

/** The local sandbox can't be asked. */
export class SandboxGone extends Error {}

/**
 * wx.login: a code, of a WeChat user who is new to the mini-program.
 * @returns {Promise<string>}
 */
export async function login() {
  return (await ask(data.urls["login-code"], {})).code;
}

/**
 * The citizen agreed, and typed the payment password.
 * @param {string} citizen
 * @param {string} fault
 * @returns {Promise<Authorisation>}
 */
export function authorise(citizen, fault) {
  return ask(data.urls.authorise, { citizen, fault });
}

/**
 * What our server has asked WeChat about this authorisation so far.
 * @param {Authorisation} authorisation
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
