// @ts-check
/** The four messages beside the phone: which have gone over the wire, and what was in them. */

import { Hidden, codeView, span } from "./code_view.js";
import { element, words } from "./page_data.js";
import { verification } from "./rest_api.js";

/** @typedef {import("./rest_api.js").Reply} Reply */
/** @typedef {import("./wechat_app.js").Wire} Wire */
/** @typedef {import("./wechat_app.js").LedgerCall} LedgerCall */
/** @typedef {"waiting" | "under-way" | "done" | "failed"} State */

const EXCHANGE = "getrealnameinfo";

/** Before a new authorisation all four wait; before a repeat, the first has happened already.
 * @param {number} [first] */
export function reset(first = 1) {
  for (let number = first; number <= 4; number += 1) fill(number, "waiting", []);
  element("after").hidden = true;
}

/** @param {"before" | "after"} when @param {string} call @param {number} status */
export function aside(when, call, status) {
  const place = element(when);
  place.replaceChildren(span("call", call), ` → HTTP ${status}`);
  place.hidden = false;
}

/** 1: the button's event. @param {string} authToken */
export function authorised(authToken) {
  const event = { auth_token: Hidden.length(authToken) };
  fill(1, "done", [codeView([["bindgetrealnameauthinfo → e.detail"]], event)]);
}

/** 1, when there is nothing in it. @param {"no-auth-token" | "no-sandbox"} why */
export function notAuthorised(why) {
  fill(1, "failed", [note(words(why))]);
}

/**
 * 2: the mini-program's call. A mishap of the phone is told in words.
 * @param {string} authToken
 * @param {"not-sent" | "answer-lost" | "sent-twice" | ""} mishap
 */
export function handedOver(authToken, mishap) {
  const head = [
    ["POST /api/realname/verifications/"],
    ["Authorization: Bearer ", new Hidden(words("secret"))],
  ];
  const body = { ...verification(authToken), auth_token: Hidden.length(authToken) };
  const contents = [codeView(head, body)];
  if (mishap && mishap !== "answer-lost") contents.unshift(note(words(mishap)));
  fill(2, mishap === "not-sent" ? "failed" : "done", contents);
}

/** 3, before anything is known of it. */
export function asking() {
  fill(3, "under-way", []);
}

/**
 * 3: what our server asked of WeChat, by the sandbox's ledger.
 * @param {Wire} wire
 * @param {LedgerCall[]} calls
 * @param {boolean} ended
 */
export function asked(wire, calls, ended) {
  const exchanges = calls.filter((call) => call.call === EXCHANGE);
  if (!exchanges.length && !ended) return;
  const contents = exchanges.length ? [request(wire)] : [note(words("wechat-not-reached"))];
  if (calls.length) contents.push(callList(calls));
  const good = exchanges.at(-1)?.errcode === 0;
  fill(3, !ended ? "under-way" : good ? "done" : "failed", contents);
}

/** 3, when our server knew the answer already. */
export function notAsked() {
  fill(3, "done", [note(words("wechat-not-asked"))]);
}

/**
 * 4: what WeChat answered, and what our server made of it.
 * @param {Reply} reply
 * @param {boolean} wasAsked
 * @param {boolean} lost on the way to the phone
 */
export function answered(reply, wasAsked, lost) {
  const ok = reply.status < 300;
  const contents = wasAsked ? [title(words("wechat-says")), ofWeChat(reply)] : [];
  if (ok && wasAsked) contents.push(note(words("decrypts")));
  contents.push(title(words("we-say")), codeView([[`HTTP ${reply.status}`]], reply.body));
  if (lost) contents.push(note(words("answer-lost")));
  fill(4, ok && !lost ? "done" : "failed", contents);
}

/** 4, when no answer of ours reached the phone. */
export function unanswered() {
  fill(4, "failed", [note(words("no-answer"))]);
}

/** @param {Wire} wire */
function request(wire) {
  const head = [
    [`POST /cgi-bin/wxopen/${EXCHANGE}?access_token=`, new Hidden(words("secret"))],
  ];
  return codeView(head, {
    auth_token: new Hidden(words("secret")),
    mch_id: wire.mch_id,
    cert_serialno: wire.cert_serialno,
    timestamp: new Hidden(words("seconds")),
    sign: new Hidden(words("signature")),
  });
}

/** @param {Reply} reply */
function ofWeChat({ body }) {
  if (body?.wechat) return codeView([], body.wechat);
  if (body?.status !== "verified" && body?.code !== "unreadable_answer") {
    return note(words("no-answer"));
  }
  const ciphertext = new Hidden(words("encrypted"));
  return codeView([], { encryted_real_name: ciphertext, encryted_credential_id: ciphertext });
}

/** @param {LedgerCall[]} calls */
function callList(calls) {
  const list = document.createElement("ul");
  list.className = "calls";
  for (const call of calls) {
    const line = document.createElement("li");
    line.className = call.errcode === 0 ? "good" : "bad";
    line.append(span("call", call.call));
    if (call.errcode !== null) line.append(span("errcode", `errcode ${call.errcode}`));
    if (call.fault) line.append(span("met", call.fault));
    if (call.consumed) line.append(span("consumed", words("consumed")));
    list.append(line);
  }
  return list;
}

/** @param {string} text */
function note(text) {
  return paragraph("note", text);
}

/** @param {string} text */
function title(text) {
  return paragraph("content-title", text);
}

/** @param {string} kind @param {string} text */
function paragraph(kind, text) {
  const made = document.createElement("p");
  made.className = kind;
  made.textContent = text;
  return made;
}

/** @param {number} number @param {State} state @param {Node[]} contents */
function fill(number, state, contents) {
  const message = /** @type {HTMLElement} */ (
    document.querySelector(`[data-message="${number}"]`)
  );
  message.dataset.state = state;
  const [badge, content] = /** @type {NodeListOf<HTMLElement>} */ (
    message.querySelectorAll(".state, .content")
  );
  badge.textContent = words(state);
  content.replaceChildren(...contents);
  content.hidden = !contents.length;
}
