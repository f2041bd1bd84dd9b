// @ts-check
/** The mini-program: it logs in, asks for the real name, sends it in, and opens the service. */

import * as form from "./check_form.js";
import * as facePanel from "./face_panel.js";
import { FaceWay } from "./face_way.js";
import { GrantWay } from "./grant_way.js";
import * as outcomes from "./outcomes.js";
import { button, data, element, words } from "./page_data.js";
import { NetworkGone, RestApi, WAITING } from "./rest_api.js";
import * as screens from "./screens.js";
import { Sheet } from "./sheet.js";
import { SandboxGone, authorise, idCard, login, visit } from "./wechat_app.js";
import * as panel from "./wire_panel.js";

/** @typedef {import("./choices.js").Choices} Choices */
/** @typedef {import("./page_data.js").Citizen} Citizen */
/** @typedef {import("./page_data.js").Way} Way */
/** @typedef {import("./rest_api.js").Reply} Reply */
/** @typedef {import("./wechat_app.js").Grant} Grant */

/** What the citizen is asked to consent to. */
const PURPOSE = "social-security";

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
  #filledIn = "";
  #phones = 0;
  /** @type {{id: string, consent?: string | null}} */
  #record = { id: "" };
  #face = new FaceWay(this.#api, this.#sheet);
  /** @type {"" | (typeof MISHAPS)[keyof typeof MISHAPS]} */
  #mishap = "";
  #openid = "";
  #given = new GrantWay(this.#api, () => false);
  /** @type {Choices | undefined} */
  #choices;

  constructor() {
    this.#on("authorise", () => this.#begin());
    this.#on("check-form", () => this.#prove(), "submit");
    this.#on("social-security", () => this.#open());
    this.#on("to-service", () => this.#open());
    this.#on("withdraw", () => this.#withdraw());
    this.#on("next", () => this.#next());
    this.#on("reopen", () => this.#reopen());
    this.#on("settle", () => this.#settle());
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
    this.#given = new GrantWay(this.#api, () => phone === this.#phones);
    this.#face = new FaceWay(this.#api, this.#sheet);
    this.#filledIn = "";
    screens.wait();
    screens.show("home");
    panel.follow(choices.way);
    panel.reset();
    button("authorise").disabled = true;
    await this.#safely(phone, () => this.#login(phone));
  }

  /** @param {number} phone */
  async #login(phone) {
    const { code, openid } = await login();
    const reply = await this.#api.login(code);
    if (phone !== this.#phones) return;
    this.#openid = openid;
    panel.aside("before", "POST /api/login/", reply.status);
    button("authorise").disabled = reply.status !== 200;
    if (reply.status !== 200) screens.showFailure({ ...outcomes.ofReply(reply), next: "restart" });
  }

  /** The first page's button: to the form, where there is one. */
  async #begin() {
    const { citizen, fault, way } = /** @type {Choices} */ (this.#choices);
    if (way === "authorize") return this.#prove();
    const phone = this.#phones;
    const wanted = `${citizen.key} ${fault.startsWith("begin:") ? fault : ""}`;
    const card = this.#filledIn === wanted ? null : await idCard(citizen.key, fault);
    if (phone !== this.#phones) return;
    if (card) form.fillIn(card);
    this.#filledIn = wanted;
    screens.show("check");
  }

  async #prove() {
    const { citizen, fault, way } = /** @type {Choices} */ (this.#choices);
    panel.reset();
    const typed = way === "authorize" ? undefined : form.typed();
    if (typed === null) return; // the form says why
    const [phone, before] = [this.#phones, this.#given.grant];
    this.#mishap = MISHAPS[/** @type {keyof typeof MISHAPS} */ (fault)] ?? "";
    if (fault === "code-again" && before) return this.#send({ ...before, typed });
    this.#given.forget();
    const notice = await this.#consent();
    if (notice === null || phone !== this.#phones) return;
    if (way === "face") return this.#verifyFace({ ...typed, ...(notice ? { notice } : {}) });
    const grant = await this.#ask(citizen, fault, way);
    if (phone === this.#phones && grant) await this.#send({ ...grant, typed, notice });
  }

  /**
   * The citizen's consent to our notice: its id, "" where the site has none; null for who said no.
   * @returns {Promise<string | null>}
   */
  async #consent() {
    const phone = this.#phones;
    screens.wait(words("opening"));
    const { status, body } = await this.#api.notice(PURPOSE);
    if (phone !== this.#phones) return null;
    screens.wait();
    const notice = status === 200 ? body : null;
    const decision = await this.#sheet.askConsent(notice);
    if (phone !== this.#phones) return null;
    if (decision === "agreed") return notice?.id ?? "";
    if (this.#choices?.way === "face") facePanel.notBegun(words("no-consent"));
    else panel.notAuthorised("not-agreed");
    screens.showFailure(outcomes.ofPhone("refused"));
    return null;
  }

  /** @param {Record<string, string>} body */
  async #verifyFace(body) {
    const { fault, verdict } = /** @type {Choices} */ (this.#choices);
    const [phone, face] = [this.#phones, (this.#face = new FaceWay(this.#api, this.#sheet))];
    screens.wait(words("checking"));
    const begun = await face.begin(body);
    if (phone !== this.#phones) return;
    screens.wait();
    if (begun.status !== 201) return screens.showFailure(outcomes.ofReply(begun));
    await face.beforeTheCamera(verdict, fault);
    if (phone !== this.#phones) return;
    if (fault === "closed") return screens.showClosed();
    await this.#askHowItEnded();
  }

  /** Our server knows how the face verification ended, or asks WeChat. */
  async #askHowItEnded() {
    const phone = this.#phones;
    const mishap = this.#mishap;
    this.#mishap = "";
    screens.wait(words("checking"));
    const reply = await this.#face.result(mishap);
    if (phone === this.#phones) this.#show(reply);
  }

  /** After a restart: what waits is found by its status; else what is verified already. */
  async #reopen() {
    const phone = this.#phones;
    screens.wait(words("opening"));
    const waiting = await this.#api.waiting();
    if (phone !== this.#phones) return;
    panel.aside("after", `GET ${WAITING}`, waiting.status);
    const record = waiting.body?.results?.find((/** @type {any} */ one) => one.method === "face");
    if (record) {
      await this.#face.find(record.id);
      return this.#askHowItEnded();
    }
    const current = await this.#api.current();
    if (phone !== this.#phones) return;
    if (current.status === 200) return this.#show(current);
    screens.wait();
    screens.show("home");
    screens.notice(words("nothing-waits"));
  }

  /** The server settles what waits, whether the mini-program comes back or not. */
  async #settle() {
    const phone = this.#phones;
    screens.wait(words("checking"));
    const reply = await this.#face.result("");
    if (phone !== this.#phones) return;
    screens.wait();
    const failure = reply.status < 300 ? null : outcomes.ofReply(reply);
    screens.showClosed(failure ? words("settled", { end: failure.title }) : words("settled-well"));
  }

  /**
   * The citizen's consent, and what WeChat gives the mini-program for it.
   * @param {Citizen} citizen
   * @param {string} fault
   * @param {Way} way
   * @returns {Promise<Grant | null>}
   */
  async #ask(citizen, fault, way) {
    const phone = this.#phones;
    panel.left();
    const decision = await this.#sheet.ask(citizen, way);
    if (phone !== this.#phones) return null;
    if (decision !== "agreed") {
      panel.notAuthorised("not-agreed");
      screens.showFailure(outcomes.ofPhone(decision));
      return null;
    }
    screens.wait(words("checking"));
    return way === "check"
      ? visit(citizen.key, fault, this.#openid)
      : authorise(citizen.key, fault);
  }

  /**
   * Send in what WeChat gave, for the first time or once more.
   * @param {Grant} grant
   */
  async #send(grant) {
    const mishap = this.#mishap;
    this.#mishap = "";
    screens.wait(words("checking"));
    const reply = await this.#given.send(grant, mishap);
    if (reply) this.#show(reply);
  }

  /** @param {Reply} reply */
  #show(reply) {
    screens.wait();
    if (reply.status >= 300) return screens.showFailure(outcomes.ofReply(reply));
    this.#record = reply.body;
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
    const decision = await this.#sheet.askWithdrawal();
    if (phone !== this.#phones || decision !== "agreed") return;
    screens.wait(words("opening"));
    const { call, reply } = await this.#api.withdraw(this.#record);
    if (phone !== this.#phones) return;
    screens.wait();
    panel.aside("after", call, reply.status);
    if (reply.status >= 300) return screens.showFailure(outcomes.ofReply(reply));
    screens.show("home");
    screens.notice(words("withdrawn"));
  }

  async #next() {
    const { next } = button("next").dataset;
    if (next === "retry" && this.#choices?.way === "face") {
      return this.#face.id ? this.#askAgain() : this.#prove();
    }
    if (next === "retry" && this.#given.grant) return this.#send(this.#given.grant);
    if (next === "reauthorize") return this.#prove();
    if (next === "edit") return screens.show("check");
    return this.start(/** @type {Choices} */ (this.#choices));
  }

  async #askAgain() {
    const phone = this.#phones;
    await this.#face.goOn(/** @type {Choices} */ (this.#choices).verdict);
    if (phone === this.#phones) await this.#askHowItEnded();
  }

  /**
   * A tap; while one is being worked on, the next does nothing.
   * @param {string} id
   * @param {() => Promise<void>} work
   * @param {"click" | "submit"} kind
   */
  #on(id, work, kind = "click") {
    element(id).addEventListener(kind, async (event) => {
      event.preventDefault();
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
      if (!this.#given.grant) panel.notAuthorised("no-sandbox");
      screens.showFailure(outcomes.ofPhone("sandbox_gone"));
    } else if (error instanceof NetworkGone) {
      const step = this.#given.grant || this.#face.id ? "retry" : "restart";
      screens.showFailure({ ...outcomes.ofPhone("network_gone"), next: step });
    } else throw error;
  }
}
