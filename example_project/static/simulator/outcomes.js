// @ts-check
/** From an answer of our server to what the citizen reads, and may do next. */

import { data } from "./page_data.js";

/** @typedef {import("./rest_api.js").Reply} Reply */

/**
 * `retry` sends the same again, `reauthorize` wants the citizen's consent anew, `edit` another name
 * or number first, `restart` a new login;
 * `seconds` to wait before.
 * @typedef {object} Failure
 * @property {string} code
 * @property {import("./page_data.js").Tone} tone
 * @property {string} title
 * @property {string} detail
 * @property {string} advice
 * @property {string} fineprint
 * @property {"retry" | "reauthorize" | "edit" | "restart" | "none"} next
 * @property {number} seconds
 */

/** The interface's `retry` as a step; "no" leaves none. */
const STEPS = /** @type {const} */ ({ no: "none", later: "retry", reauthorize: "reauthorize" });

/** What the code alone decides. @type {Record<string, Failure["next"]>} */
const STEPS_OF = { not_authenticated: "restart", mismatch: "edit", invalid: "edit" };

const PHONE_STEPS = /** @type {const} */ ({
  refused: "reauthorize",
  locked: "restart",
  network_gone: "retry",
  sandbox_gone: "none",
});

/**
 * What an error of our server means; its `detail` is in the visitor's language already.
 * @param {Reply} reply
 * @returns {Failure}
 */
export function ofReply({ status, body, retryAfter }) {
  const code = body?.code ?? "internal_error";
  const retry = /** @type {keyof typeof STEPS} */ (body?.retry ?? "no");
  const fineprint = [`HTTP ${status}`, code];
  if (body?.wechat) fineprint.push(`errcode ${body.wechat.errcode}`);
  return {
    ...said(code),
    detail: body?.detail ?? "",
    fineprint: fineprint.join(" · "),
    next: STEPS_OF[code] ?? STEPS[retry] ?? "none",
    seconds: retry === "later" ? retryAfter : 0,
  };
}

/**
 * What happened in the phone alone, without an answer of our server.
 * @param {keyof typeof PHONE_STEPS} code
 * @returns {Failure}
 */
export function ofPhone(code) {
  return { ...said(code), detail: "", fineprint: "", next: PHONE_STEPS[code], seconds: 0 };
}

/** @param {string} code */
function said(code) {
  return { code, ...(data.outcomes[code] ?? data.outcomes.other) };
}
