// @ts-check
/**
 * A face verification: begun with what was typed, ended by what our server hears of WeChat. What the
 * phone is told counts for nothing.
 */

import * as panel from "./face_panel.js";
import { NetworkGone } from "./rest_api.js";
import { camera, faceWire, place } from "./wechat_app.js";

/** @typedef {import("./rest_api.js").Reply} Reply */
/** @typedef {import("./rest_api.js").RestApi} RestApi */
/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("./wechat_app.js").LedgerCall} LedgerCall */
/** @typedef {import("./wechat_app.js").PhoneSays} PhoneSays */

const PASSED = 10000;
const CANCELLED = 90002;
const OPEN = [10005, 10300]; // another verdict follows

export class FaceWay {
  #api;
  #sheet;
  #seen = 0;
  #since = 0;
  #verifyId = "";
  #open = false;
  /** @type {PhoneSays | ""} */
  #said = "";
  id = "";

  /** @param {RestApi} api @param {Sheet} sheet */
  constructor(api, sheet) {
    this.#api = api;
    this.#sheet = sheet;
  }

  /**
   * Begin; the reply is our server's.
   * @param {Record<string, string>} body
   * @returns {Promise<Reply>}
   */
  async begin(body) {
    const { since } = await place();
    this.#since = since;
    panel.begun(body);
    const reply = await this.#api.beginFace(body);
    const { id = "", verification = "", verify_id = "" } = reply.body ?? {};
    panel.verifyId(reply, await this.#calls(id || verification));
    this.id = id;
    this.#verifyId = verify_id;
    return reply;
  }

  /**
   * WeChat's camera. Whoever leaves it has cancelled.
   * @param {number} verdict
   * @param {string} fault
   */
  async beforeTheCamera(verdict, fault) {
    panel.camera();
    const decision = await this.#sheet.camera();
    await this.#show(decision === "agreed" ? verdict : CANCELLED, fault);
  }

  /**
   * Ask our server how it ended.
   * @param {"" | "not-sent" | "answer-lost" | "sent-twice"} mishap
   * @returns {Promise<Reply>}
   */
  async result(mishap) {
    panel.asking(mishap);
    const reply = await this.#post(mishap);
    const lost = mishap === "answer-lost";
    panel.answered(reply, await this.#calls(), this.#said, lost);
    if (lost) throw new NetworkGone();
    return this.#mayBeAskedAgain(reply);
  }

  /**
   * A fault of WeChat's own may have ended the record. It would give the same error again: the citizen
   * begins anew.
   * @param {Reply} reply
   * @returns {Promise<Reply>}
   */
  async #mayBeAskedAgain(reply) {
    if (reply.body?.code !== "wechat_busy") return reply;
    const record = await this.#api.record(this.id);
    if (record.body?.status !== "failed") return reply;
    return { ...reply, body: { ...reply.body, retry: "reauthorize" } };
  }

  /** Ask once more: where WeChat hadn't finished, it has by now. @param {number} verdict */
  async goOn(verdict) {
    if (this.#open) await this.#show(OPEN.includes(verdict) ? PASSED : verdict, "");
  }

  /**
   * A record that another start of the mini-program began.
   * @param {string} id
   */
  async find(id) {
    if (this.id === id) return;
    Object.assign(this, { id });
    this.#said = "";
    this.#since = (await place()).since;
    this.#seen = 0;
  }

  /** @param {number} verdict @param {string} fault */
  async #show(verdict, fault) {
    const { verify_ret, phone } = await camera(this.#verifyId, verdict, fault);
    this.#open = OPEN.includes(verify_ret);
    this.#said = says(fault) ?? phone;
    panel.phoneSaid(this.#said);
  }

  /** @param {string} mishap */
  async #post(mishap) {
    if (mishap === "not-sent") throw new NetworkGone();
    const ask = () => this.#api.faceResult(this.id);
    try {
      return mishap === "sent-twice" ? (await Promise.all([ask(), ask()]))[1] : await ask();
    } catch (error) {
      panel.unanswered();
      throw error;
    }
  }

  /** What was asked of WeChat since the last look. @returns {Promise<LedgerCall[]>} */
  async #calls(id = this.id) {
    if (!id) return [];
    const seen = await faceWire(id, this.#since).catch(() => null);
    const calls = seen?.calls.slice(this.#seen) ?? [];
    this.#seen = seen?.calls.length ?? this.#seen;
    return calls;
  }
}

/** @param {string} fault @returns {PhoneSays | undefined} */
function says(fault) {
  return /** @type {PhoneSays | undefined} */ (/^phone-(\w+)$/.exec(fault)?.[1]);
}
