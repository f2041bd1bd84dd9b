// @ts-check
/** The four messages of a face verification. Names, numbers, openid, verify_id and hashes are black bars. */

import { Hidden, codeView } from "./code_view.js";
import { words } from "./page_data.js";
import { FACES } from "./rest_api.js";
import { callList, fill, note, redacted, title } from "./wire_panel.js";

/** @typedef {import("./rest_api.js").Reply} Reply */
/** @typedef {import("./wechat_app.js").LedgerCall} LedgerCall */
/** @typedef {import("./wechat_app.js").PhoneSays} PhoneSays */

const FACE = "/cityservice/face/identify/";

/** 1: what the citizen typed is posted. @param {Record<string, string | undefined>} body */
export function begun(body) {
  fill(1, "done", [codeView([[`POST ${FACES}`], bearer()], redacted(body))]);
  fill(2, "under-way", []);
}

/**
 * 1, when there is nothing in it.
 * @param {string} why
 */
export function notBegun(why) {
  fill(1, "failed", [note(why)]);
}

/**
 * 2: our server asks WeChat for a verify_id.
 * @param {Reply} reply
 * @param {LedgerCall[]} calls
 */
export function verifyId(reply, calls) {
  const good = reply.status === 201;
  const asked = calls.some(({ call }) => call === "getverifyid");
  const contents = asked ? [getverifyid()] : [note(words("wechat-not-reached"))];
  if (calls.length) contents.push(callList(calls));
  if (good) contents.push(title(words("wechat-says")), codeView([], idOfWeChat()));
  contents.push(title(words("we-say")), codeView([[`HTTP ${reply.status}`]], ours(reply.body)));
  fill(2, good ? "done" : "failed", contents);
}

/**
 * 3: what the phone believes.
 * @param {PhoneSays | "cancel"} said
 */
export function phoneSaid(said) {
  const call = codeView([["wx.requestFacialVerify"]], { verifyId: secret() });
  fill(3, "done", [call, codeView([[`→ ${said}`]]), note(words("phone-counts-for-nothing"))]);
}

/** 3, while the citizen is before the camera. */
export function camera() {
  fill(3, "under-way", [codeView([["wx.requestFacialVerify"]], { verifyId: secret() })]);
}

/** 4, before anything is known of it; a mishap of the phone is told in words. @param {string} mishap */
export function asking(mishap) {
  fill(4, mishap === "not-sent" ? "failed" : "under-way", mishap ? [note(words(mishap))] : []);
}

/**
 * 4: our server asks WeChat, and answers the phone.
 * @param {Reply} reply
 * @param {LedgerCall[]} calls
 * @param {PhoneSays | "cancel" | ""} said what the phone believes
 * @param {boolean} lost on the way to the phone
 */
export function answered(reply, calls, said, lost) {
  const good = reply.status < 300;
  const query = calls.filter(({ call }) => call === "queryverifyinfo").at(-1);
  const contents = [codeView([[`POST ${FACES}…/result/`], bearer()])];
  contents.push(...(query ? [queryverifyinfo()] : [note(words("known-already"))]));
  if (calls.length) contents.push(callList(calls));
  if (query?.verdict) {
    contents.push(title(words("wechat-says")), codeView([], { errcode: 0, errmsg: "", ...query.verdict }));
  }
  contents.push(title(words("we-say")), codeView([[`HTTP ${reply.status}`]], reply.body));
  if (said && (said === "success") !== good) contents.push(note(words("phone-was-wrong")));
  if (lost) contents.push(note(words("answer-lost")));
  fill(4, good && !lost ? "done" : "failed", contents);
}

/** 4, when no answer of ours reached the phone. */
export function unanswered() {
  fill(4, "failed", [note(words("no-answer"))]);
}

function getverifyid() {
  return codeView(head("getverifyid"), {
    out_seq_no: new Hidden(words("one-try")),
    cert_info: { cert_type: "IDENTITY_CARD", cert_name: secret(), cert_no: secret() },
    openid: new Hidden(words("own-openid")),
  });
}

function queryverifyinfo() {
  return codeView(head("queryverifyinfo"), {
    verify_id: secret(),
    out_seq_no: new Hidden(words("one-try")),
    cert_hash: new Hidden(words("hash")),
    openid: new Hidden(words("own-openid")),
  });
}

function idOfWeChat() {
  return { errcode: 0, errmsg: "", verify_id: secret(), expires_in: 3600 };
}

/** @param {any} body */
function ours(body) {
  return body?.verify_id ? { ...body, verify_id: Hidden.length(body.verify_id) } : body;
}

/** @param {string} call @returns {(string | Hidden)[][]} */
function head(call) {
  return [[`POST ${FACE}${call}?access_token=`, secret()]];
}

/** @returns {(string | Hidden)[]} */
function bearer() {
  return ["Authorization: Bearer ", secret()];
}

function secret() {
  return new Hidden(words("secret"));
}
