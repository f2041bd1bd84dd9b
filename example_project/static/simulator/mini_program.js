// @ts-check
/** The mini-program: it logs in, asks for the real name, sends it in, and opens the service. */

import * as outcomes from "./outcomes.js";
import { button, data, element, words } from "./page_data.js";
import { NetworkGone, RestApi } from "./rest_api.js";
import * as screens from "./screens.js";
import { Sheet } from "./sheet.js";
import { SandboxGone, authorise, login, wire } from "./wechat_app.js";
import * as panel from "./wire_panel.js";

/** @typedef {import("./choices.js").Choices} Choices */
/** @typedef {import("./rest_api.js").Reply} Reply */
/** @typedef {import("./wechat_app.js").Authorisation} Authorisation */

const GLANCE = 400; // milliseconds between two looks at the sandbox's ledger

/** What the phone itself does wrong, by the fault's name. */
const MISHAPS = /** @type {const} */ ({
  offline: "not-sent",
  "answer-lost": "answer-lost",
  twice: "sent-twice",
});

export class MiniProgram {
  #api = new RestApi(data.language);
  #sheet = new Sheet();
  #running = false;
  #phones = 0;
  #record = "";
  #seen = 0;
  /** @type {"" | (typeof MISHAPS)[keyof typeof MISHAPS]} */
  #mishap = "";
  /** @type {Authorisation | null} */
  #authorisation = null;
  /** @type {Choices | undefined} */
  #choices;

  constructor() {
    this.#on("authorise", () => this.#authorise());
    this.#on("social-security", () => this.#open());
    this.#on("to-service", () => this.#open());
    this.#on("withdraw", () => this.#withdraw());
    this.#on("next", () => this.#next());
    for (const id of ["back", "give-up"]) {
      button(id).addEventListener("click", () => screens.show("home"));
    }
  }

  /**
   * Another phone: a WeChat user who is new here.
   * @param {Choices} choices
   */
  async start(choices) {
    this.#choices = choices;
    const phone = (this.#phones += 1);
    this.#sheet.reset();
    this.#api = new RestApi(data.language);
    this.#running = false;
    this.#authorisation = null;
    screens.wait();
    screens.show("home");
    panel.reset();
    button("authorise").disabled = true;
    await this.#safely(phone, () => this.#login(phone));
  }

  /** @param {number} phone */
  async #login(phone) {
    const reply = await this.#api.login(await login());
    if (phone !== this.#phones) return;
    panel.aside("before", "POST /api/login/", reply.status);
    button("authorise").disabled = reply.status !== 200;
    if (reply.status !== 200) screens.showFailure({ ...outcomes.ofReply(reply), next: "restart" });
  }

  async #authorise() {
    const choices = /** @type {Choices} */ (this.#choices);
    const { citizen } = choices;
    const phone = this.#phones;
    panel.reset();
    const decision = await this.#sheet.ask(citizen);
    if (phone !== this.#phones) return;
    if (decision !== "agreed") {
      panel.notAuthorised("no-auth-token");
      screens.showFailure(outcomes.ofPhone(decision));
      return;
    }
    screens.wait(words("checking"));
    const fault = choices.fault;
    const authorisation = await authorise(citizen.key, fault);
    if (phone !== this.#phones) return;
    panel.authorised(authorisation.auth_token);
    this.#authorisation = authorisation;
    this.#mishap = MISHAPS[/** @type {keyof typeof MISHAPS} */ (fault)] ?? "";
    this.#seen = 0;
    await this.#send(authorisation);
  }

  /**
   * Send the auth_token in, for the first time or once more.
   * @param {Authorisation} authorisation
   */
  async #send(authorisation) {
    const phone = this.#phones;
    screens.wait(words("checking"));
    panel.reset(2);
    const mishap = this.#mishap;
    this.#mishap = "";
    panel.handedOver(authorisation.auth_token, mishap);
    const watch = this.#watch(authorisation, phone, mishap);
    const reply = await this.#post(authorisation.auth_token, mishap).finally(() =>
      clearInterval(watch),
    );
    if (phone !== this.#phones) return;
    const asked = await this.#lastLook(authorisation, reply);
    if (phone !== this.#phones) return;
    panel.answered(reply, asked, mishap === "answer-lost");
    if (mishap === "answer-lost") throw new NetworkGone();
    this.#show(reply);
  }

  /**
   * @param {string} authToken
   * @param {string} mishap
   * @returns {Promise<Reply>}
   */
  async #post(authToken, mishap) {
    if (mishap === "not-sent") throw new NetworkGone();
    try {
      return await (mishap === "sent-twice" ? this.#postTwice(authToken) : this.#api.verify(authToken));
    } catch (error) {
      panel.unanswered();
      throw error;
    }
  }

  /**
   * The answer that a careless mini-program would see last: that of the one that came second.
   * @param {string} authToken
   */
  async #postTwice(authToken) {
    const replies = await Promise.all([this.#api.verify(authToken), this.#api.verify(authToken)]);
    return replies.find((reply) => reply.status !== 201) ?? replies[0];
  }

  /**
   * Look at the ledger while the answer is awaited: repeats are seen as they happen.
   * @param {Authorisation} authorisation
   * @param {number} phone
   * @param {string} mishap
   */
  #watch(authorisation, phone, mishap) {
    if (mishap === "not-sent") return undefined;
    panel.asking();
    const watch = setInterval(async () => {
      const seen = await wire(authorisation).catch(() => null);
      const late = phone !== this.#phones || element("wait").hidden;
      if (seen && !late) panel.asked(seen, seen.calls.slice(this.#seen), false);
    }, GLANCE);
    return watch;
  }

  /**
   * Whether this request asked WeChat; the panel tells what was asked at all.
   * @param {Authorisation} authorisation
   * @param {Reply} reply
   */
  async #lastLook(authorisation, reply) {
    const seen = await wire(authorisation).catch(() => null);
    if (authorisation !== this.#authorisation || !seen) return false;
    const calls = seen.calls.slice(this.#seen);
    this.#seen = seen.calls.length;
    const known = reply.status === 200 || (!calls.length && reply.status === 409);
    if (known) panel.notAsked();
    else panel.asked(seen, calls, true);
    const elsewhere = reply.status === 409; // another request asked, and has WeChat's answer
    return !known && !elsewhere && calls.some((call) => call.call === "getrealnameinfo");
  }

  /** @param {Reply} reply */
  #show(reply) {
    screens.wait();
    if (reply.status >= 300) return screens.showFailure(outcomes.ofReply(reply));
    this.#record = reply.body.id;
    screens.showRecord(reply.body);
  }

  async #open() {
    const phone = this.#phones;
    screens.wait(words("opening"));
    const reply = await this.#api.socialSecurity();
    if (phone !== this.#phones) return;
    screens.wait();
    panel.aside("after", "GET /api/social-security/", reply.status);
    if (reply.status === 200) return screens.showAccount(reply.body);
    if (reply.body?.code !== "real_name_required") {
      return screens.showFailure(outcomes.ofReply(reply));
    }
    screens.show("home");
    screens.notice(reply.body.detail);
  }

  async #withdraw() {
    const phone = this.#phones;
    screens.wait(words("opening"));
    const reply = await this.#api.withdraw(this.#record);
    if (phone !== this.#phones) return;
    screens.wait();
    panel.aside("after", "DELETE /api/realname/verifications/…/", reply.status);
    if (reply.status !== 204) return screens.showFailure(outcomes.ofReply(reply));
    screens.show("home");
    screens.notice(words("withdrawn"));
  }

  async #next() {
    const { next } = button("next").dataset;
    if (next === "retry" && this.#authorisation) return this.#send(this.#authorisation);
    if (next === "reauthorize") return this.#authorise();
    return this.start(/** @type {Choices} */ (this.#choices));
  }

  /**
   * A tap; while one is being worked on, the next does nothing.
   * @param {string} id
   * @param {() => Promise<void>} work
   */
  #on(id, work) {
    button(id).addEventListener("click", async () => {
      if (this.#running) return;
      this.#running = true;
      const phone = this.#phones;
      await this.#safely(phone, work);
      if (phone === this.#phones) this.#running = false;
    });
  }

  /**
   * Whatever breaks on the way has its page, too.
   * @param {number} phone
   * @param {() => Promise<void>} work
   */
  async #safely(phone, work) {
    try {
      await work();
    } catch (error) {
      if (phone !== this.#phones) return;
      screens.wait();
      this.#broke(error);
    }
  }

  /** @param {unknown} error */
  #broke(error) {
    if (error instanceof SandboxGone) {
      if (!this.#authorisation) panel.notAuthorised("no-sandbox");
      screens.showFailure(outcomes.ofPhone("sandbox_gone"));
    } else if (error instanceof NetworkGone) {
      const step = this.#authorisation ? "retry" : "restart";
      screens.showFailure({ ...outcomes.ofPhone("network_gone"), next: step });
    } else throw error;
  }
}
