// @ts-check
/**
 * What comes over the mini-program: the notice, the withdrawal, and of WeChat's own what is shared, the
 * payment password, the lock, the city service, the camera.
 */

import { play } from "./camera.js";
import { Keypad } from "./keypad.js";
import { showNotice } from "./notice.js";
import { button, element, words } from "./page_data.js";

/** @typedef {import("./page_data.js").Citizen} Citizen */
/** @typedef {import("./page_data.js").Way} Way */
/** @typedef {"agreed" | "refused" | "locked"} Decision */
/** @typedef {import("./notice.js").Notice} Notice */

/** Which button ends which sheet; tapped again, it ends no other. @type {[string, string, Decision][]} */
const DECISIONS = [
  ["notice-agree", "notice", "agreed"],
  ["notice-refuse", "notice", "refused"],
  ["withdrawal-agree", "withdrawal", "agreed"],
  ["withdrawal-refuse", "withdrawal", "refused"],
  ["refuse", "consent", "refused"],
  ["close-password", "password", "refused"],
  ["locked-close", "locked", "locked"],
  ["city-agree", "city", "agreed"],
  ["city-back", "city", "refused"],
  ["camera-cancel", "camera", "refused"],
];
const WRONG = "000000";
const TRIES = 3;
const STOPS = "button:not(:disabled), input, a[href], [tabindex='0']";

/** @param {Element} stop */
const isStop = (stop) => /** @type {HTMLElement} */ (stop).offsetParent !== null;

export class Sheet {
  #left = TRIES;
  /** @type {(decision: Decision) => void} */
  #decide = () => {};
  #hint = element("pay-hint").textContent ?? "";
  #open = "";
  #keypad = new Keypad((password) => this.#check(password));

  constructor() {
    button("allow").addEventListener("click", () => this.#password());
    for (const [id, sheet, decision] of DECISIONS) {
      button(id).addEventListener("click", () => this.#open === sheet && this.#close(decision));
    }
    element("sheet").addEventListener("keydown", (event) => this.#key(event));
  }

  /** Another citizen's phone: the tries are counted anew. */
  reset() {
    this.#left = TRIES;
    if (this.#open) this.#close("refused");
  }

  /**
   * Ask the citizen; the rest of the phone waits meanwhile.
   * @param {Citizen} citizen
   * @param {Way} way
   * @returns {Promise<Decision>}
   */
  ask(citizen, way) {
    element("consent-name").textContent = citizen.maskedName;
    element("consent-number").textContent = citizen.maskedNumber;
    if (way === "check") return this.#over("city");
    return this.#over(this.#left ? "consent" : "locked");
  }

  /**
   * The notice, with a box that the citizen ticks; without one, the sheet says so.
   * @param {Notice | null} notice
   * @returns {Promise<Decision>}
   */
  askConsent(notice) {
    showNotice(notice);
    return this.#over("notice");
  }

  /** What a withdrawal erases, and what stays. @returns {Promise<Decision>} */
  askWithdrawal() {
    return this.#over("withdrawal");
  }

  /** WeChat's camera, drawn: agreed when it is over. @returns {Promise<Decision>} */
  camera() {
    const decision = this.#over("camera");
    play(() => this.#open === "camera" && this.#close("agreed"));
    return decision;
  }

  /**
   * @param {string} name
   * @returns {Promise<Decision>}
   */
  #over(name) {
    element("program").inert = true;
    element("sheet").hidden = false;
    element("phone").scrollIntoView({ block: "nearest" }); // where the phone is all the screen
    this.#show(name);
    return new Promise((resolve) => (this.#decide = resolve));
  }

  #password() {
    if (this.#open !== "consent") return;
    this.#say(this.#hint, false);
    this.#keypad.clear();
    this.#show("password");
  }

  /** @param {string} password */
  #check(password) {
    if (this.#open !== "password") return;
    if (password !== WRONG) return this.#close("agreed");
    this.#left -= 1;
    this.#keypad.clear();
    if (!this.#left) return this.#show("locked");
    this.#say(words("wrong-password", { left: this.#left }), true);
  }

  /** @param {string} hint @param {boolean} wrong */
  #say(hint, wrong) {
    const place = element("pay-hint");
    place.textContent = hint;
    place.classList.toggle("wrong", wrong);
    if (wrong) element("said").textContent = hint;
  }

  /** @param {string} name */
  #show(name) {
    this.#open = name;
    for (const sheet of this.#sheets()) sheet.hidden = sheet.dataset.sheet !== name;
    const sheet = this.#sheets().find((one) => !one.hidden);
    sheet?.querySelector("h2")?.focus({ preventScroll: true });
  }

  /** @param {Decision} decision */
  #close(decision) {
    this.#show("");
    element("sheet").hidden = true;
    element("program").inert = false;
    this.#decide(decision);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") this.#close(this.#open === "locked" ? "locked" : "refused");
    else if (event.key === "Tab") this.#keepFocus(event);
    else if (this.#open === "password") this.#keypad.press(event);
  }

  /**
   * A sheet is modal: Tab goes round in it.
   * @param {KeyboardEvent} event
   */
  #keepFocus(event) {
    const sheet = this.#sheets().find((one) => !one.hidden);
    const stops = sheet ? [...sheet.querySelectorAll(STOPS)].filter(isStop) : [];
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    const from = document.activeElement;
    if (from !== edge && !(event.shiftKey && from?.tagName === "H2")) return;
    event.preventDefault();
    /** @type {HTMLElement | undefined} */ (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
  }

  /** @returns {HTMLElement[]} */
  #sheets() {
    return [...element("sheet").querySelectorAll("[data-sheet]")].map(
      (sheet) => /** @type {HTMLElement} */ (sheet),
    );
  }
}
