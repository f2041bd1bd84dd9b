// @ts-check
/** The four messages beside the phone: which have gone over the wire, and what was in them. */

import { Hidden, codeView, span } from "./code_view.js";
import { element, words } from "./page_data.js";
import { proof } from "./rest_api.js";
import { onTheWire } from "./ways.js";

/** @typedef {import("./rest_api.js").Reply} Reply */
/** @typedef {import("./wechat_app.js").Grant} Grant */
/** @typedef {import("./wechat_app.js").Wire} Wire */
/** @typedef {import("./wechat_app.js").LedgerCall} LedgerCall */
/** @typedef {"waiting" | "under-way" | "done" | "failed"} State */

/** @type {ReturnType<typeof onTheWire>} */
let way;

/** The way that the messages go from now on. @param {import("./page_data.js").Way} name */
export function follow(name) {
  way = onTheWire(name);
}

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

/** 1, while the citizen is asked elsewhere. */
export function left() {
  const contents = way.leaves();
  if (contents.length) fill(1, "under-way", contents);
}

/** 1: what WeChat hands over. @param {Grant} grant */
export function authorised({ token }) {
  const event = { [way.token]: Hidden.length(token) };
  fill(1, "done", [...way.leaves(), codeView([[way.event]], event)]);
}

/** 1, when there is nothing in it. @param {"not-agreed" | "no-sandbox"} why */
export function notAuthorised(why) {
  fill(1, "failed", [...way.leaves(), note(words(why, { token: way.token }))]);
}

/**
 * 2: the mini-program's call. A mishap of the phone is told in words.
 * @param {Grant} grant
 * @param {"not-sent" | "answer-lost" | "sent-twice" | ""} mishap
 */
export function handedOver(grant, mishap) {
  const { path, body } = proof(grant);
  const head = [[`POST ${path}`], ["Authorization: Bearer ", new Hidden(words("secret"))]];
  const contents = [codeView(head, redacted(body))];
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
  const exchanges = calls.filter((call) => call.call === way.call);
  if (!exchanges.length && !ended) return;
  const contents = exchanges.length ? [request(wire)] : [note(words("wechat-not-reached"))];
  if (calls.length) contents.push(callList(calls));
  const good = exchanges.at(-1)?.errcode === 0;
  fill(3, !ended ? "under-way" : good ? "done" : "failed", contents);
}

/** 3, when our server knew the answer already. */
export function notAsked() {
  fill(3, "done", [note(words("wechat-not-asked", { token: way.token }))]);
}

/**
 * 4: what WeChat answered, and what our server made of it.
 * @param {Reply} reply
 * @param {LedgerCall | undefined} call that asked WeChat for this reply
 * @param {boolean} lost on the way to the phone
 */
export function answered(reply, call, lost) {
  const ok = reply.status < 300;
  const contents = call ? [title(words("wechat-says")), ofWeChat(reply, call)] : [];
  if (call && way.then(reply)) contents.push(note(way.then(reply)));
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
  const head = [[`POST ${way.path}${way.call}?access_token=`, new Hidden(words("secret"))]];
  return codeView(head, way.request(wire));
}

/** @param {Reply} reply @param {LedgerCall} call */
function ofWeChat(reply, call) {
  const said = reply.body?.wechat ?? (reply.body && way.answer(reply, call));
  return said ? codeView([], said) : note(words("no-answer"));
}

/**
 * What the citizen gave, by its length; which notice was agreed to is no secret.
 * @param {Record<string, string | undefined>} body
 */
export function redacted({ notice, ...given }) {
  const hidden = Object.entries(given).map(([name, text]) => [name, Hidden.length(text ?? "")]);
  return { ...Object.fromEntries(hidden), ...(notice ? { notice } : {}) };
}

/** @param {LedgerCall[]} calls */
export function callList(calls) {
  const list = document.createElement("ul");
  list.className = "calls";
  for (const call of calls) {
    const line = document.createElement("li");
    line.className = call.errcode === 0 ? "good" : "bad";
    line.append(span("call", call.call));
    if (call.errcode !== null) line.append(span("errcode", `errcode ${call.errcode}`));
    if (call.fault) line.append(span("met", call.fault));
    if (call.consumed && call.call === way.call) line.append(span("consumed", words("consumed", { token: way.token })));
    list.append(line);
  }
  return list;
}

/** @param {string} text @returns {HTMLElement} */
export function note(text) {
  return paragraph("note", text);
}

/** @param {string} text */
export function title(text) {
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
export function fill(number, state, contents) {
  const message = /** @type {HTMLElement} */ (
    document.querySelector(`.messages:not([hidden]) [data-message="${number}"]`)
  );
  message.dataset.state = state;
  const [badge, content] = /** @type {NodeListOf<HTMLElement>} */ (
    message.querySelectorAll(".state, .content")
  );
  badge.textContent = words(state);
  content.replaceChildren(...contents);
  content.hidden = !contents.length;
}
