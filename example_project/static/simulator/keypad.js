// @ts-check
/** The six-digit payment password: typed on the keypad or the keyboard, and never sent anywhere. */

import { element, words } from "./page_data.js";

const LENGTH = 6;

export class Keypad {
  #typed = "";
  #complete;

  /** @param {(password: string) => void} complete is told the six digits */
  constructor(complete) {
    this.#complete = complete;
    element("keypad").addEventListener("click", (event) => {
      const key = /** @type {Element} */ (event.target).closest("button");
      if (key?.dataset.digit) this.#type(key.dataset.digit);
      else if (key) this.#erase();
    });
  }

  /**
   * A key of the keyboard, while the keypad is open.
   * @param {KeyboardEvent} event
   */
  press(event) {
    if (/^[0-9]$/.test(event.key)) this.#type(event.key);
    else if (event.key === "Backspace") this.#erase();
  }

  clear() {
    this.#typed = "";
    this.#draw();
  }

  /** @param {string} digit */
  #type(digit) {
    if (this.#typed.length === LENGTH) return;
    this.#typed += digit;
    this.#draw();
    if (this.#typed.length < LENGTH) return;
    const password = this.#typed;
    setTimeout(() => this.#complete(password), 180); // the sixth dot wants to be seen
  }

  #erase() {
    if (this.#typed.length === LENGTH) return;
    this.#typed = this.#typed.slice(0, -1);
    this.#draw();
  }

  #draw() {
    const dots = element("dots");
    dots.setAttribute("aria-label", words("digits", { count: this.#typed.length }));
    [...dots.children].forEach((dot, place) => {
      dot.classList.toggle("filled", place < this.#typed.length);
    });
  }
}
