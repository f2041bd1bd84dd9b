// @ts-check
/** The button's and the check's messages: what WeChat gave is sent in, and the sandbox's ledger is looked at. */

import { data, element } from "./page_data.js";
import { NetworkGone } from "./rest_api.js";
import { wire } from "./wechat_app.js";
import * as panel from "./wire_panel.js";

/** @typedef {import("./rest_api.js").Reply} Reply */
/** @typedef {import("./rest_api.js").RestApi} RestApi */
/** @typedef {import("./wechat_app.js").Grant} Grant */

const GLANCE = 400; // milliseconds between two looks at the sandbox's ledger

export class GrantWay {
  #api;
  #isHere;
  #seen = 0;
  /** @type {Grant | null} */
  grant = null;

  /**
   * @param {RestApi} api
   * @param {() => boolean} isHere whether the phone is still the same
   */
  constructor(api, isHere) {
    this.#api = api;
    this.#isHere = isHere;
  }

  /** Before WeChat gives something new. */
  forget() {
    this.grant = null;
    this.#seen = 0;
  }

  /**
   * Send in what WeChat gave, for the first time or once more; null when another phone is wanted.
   * @param {Grant} grant
   * @param {"" | "not-sent" | "answer-lost" | "sent-twice"} mishap
   * @returns {Promise<Reply | null>}
   */
  async send(grant, mishap) {
    this.grant = grant;
    panel.reset(2);
    panel.authorised(grant);
    panel.handedOver(grant, mishap);
    const watch = this.#watch(grant, mishap);
    const reply = await this.#post(grant, mishap).finally(() => clearInterval(watch));
    if (!this.#isHere()) return null;
    const call = await this.#lastLook(grant, reply);
    if (!this.#isHere()) return null;
    panel.answered(reply, call, mishap === "answer-lost");
    if (mishap === "answer-lost") throw new NetworkGone();
    return reply;
  }

  /**
   * @param {Grant} grant
   * @param {string} mishap
   * @returns {Promise<Reply>}
   */
  async #post(grant, mishap) {
    if (mishap === "not-sent") throw new NetworkGone();
    try {
      return await (mishap === "sent-twice" ? this.#postTwice(grant) : this.#api.prove(grant));
    } catch (error) {
      panel.unanswered();
      throw error;
    }
  }

  /**
   * The answer that a careless mini-program would see last: that of the one that came second.
   * @param {Grant} grant
   */
  async #postTwice(grant) {
    const replies = await Promise.all([this.#api.prove(grant), this.#api.prove(grant)]);
    return replies.find((reply) => reply.status !== 201) ?? replies[0];
  }

  /**
   * Look at the ledger while the answer is awaited: repeats are seen as they happen.
   * @param {Grant} grant
   * @param {string} mishap
   */
  #watch(grant, mishap) {
    if (mishap === "not-sent") return undefined;
    panel.asking();
    const watch = setInterval(async () => {
      const seen = await wire(grant).catch(() => null);
      const late = !this.#isHere() || element("wait").hidden;
      if (seen && !late) panel.asked(seen, seen.calls.slice(this.#seen), false);
    }, GLANCE);
    return watch;
  }

  /**
   * The call to WeChat that this request led to; the panel tells what was asked at all.
   * @param {Grant} grant
   * @param {Reply} reply
   */
  async #lastLook(grant, reply) {
    const seen = await wire(grant).catch(() => null);
    if (grant !== this.grant || !seen) return undefined;
    const calls = seen.calls.slice(this.#seen);
    this.#seen = seen.calls.length;
    const known = reply.status === 200 || (!calls.length && [409, 422].includes(reply.status));
    if (known) panel.notAsked();
    else panel.asked(seen, calls, true);
    const elsewhere = reply.status === 409; // another request asked, and has WeChat's answer
    if (known || elsewhere) return undefined;
    return calls.filter(({ call }) => call === data.ways[grant.way].call).at(-1);
  }
}
