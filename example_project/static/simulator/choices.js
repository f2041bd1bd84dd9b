// @ts-check
/** Which way it goes, who holds the phone, and what goes wrong: the visitor's choice. */

import { button, data, element } from "./page_data.js";

/** @typedef {import("./page_data.js").Citizen} Citizen */
/** @typedef {import("./page_data.js").Fault} Fault */
/** @typedef {import("./page_data.js").Verdict} Verdict */
/** @typedef {import("./page_data.js").Way} Way */

export class Choices {
  #fault = /** @type {HTMLSelectElement} */ (element("fault"));
  #verdict = /** @type {HTMLSelectElement} */ (element("verdict"));

  /** @param {() => void} startOver is called when another phone is wanted */
  constructor(startOver) {
    element("citizens").append(...data.citizens.map(card));
    this.#verdict.append(...options(data.verdicts));
    this.#restore();
    element("languages").addEventListener("submit", () => this.#keep());
    this.#verdict.addEventListener("change", () => this.#explain());
    element("ways").addEventListener("change", () => {
      this.#follow();
      startOver();
    });
    element("choices").addEventListener("submit", (event) => event.preventDefault());
    element("citizens").addEventListener("change", startOver);
    this.#fault.addEventListener("change", () => this.#explain());
    button("start-over").addEventListener("click", startOver);
  }

  /** @returns {Citizen} */
  get citizen() {
    return /** @type {Citizen} */ (data.citizens.find((one) => one.key === chosen("citizen")));
  }

  /** @returns {Way} */
  get way() {
    return /** @type {Way} */ (chosen("way"));
  }

  /** @returns {string} */
  get fault() {
    return this.#fault.value;
  }

  /** How WeChat's camera ends it, in its own number. @returns {number} */
  get verdict() {
    return Number(this.#verdict.value);
  }

  /** What was chosen before the language was changed. */
  #restore() {
    const kept = new URLSearchParams(location.search);
    for (const name of ["way", "citizen"]) {
      const radio = document.querySelector(`[name=${name}][value="${CSS.escape(kept.get(name) ?? "")}"]`);
      if (radio) /** @type {HTMLInputElement} */ (radio).checked = true;
    }
    this.#follow();
    for (const [name, list] of /** @type {const} */ ([["fault", this.#fault], ["verdict", this.#verdict]])) {
      const known = [...list.options].some(({ value }) => value === kept.get(name));
      if (known) list.value = kept.get(name) ?? "";
    }
    this.#explain();
  }

  /** Let the page come back with the same choices. */
  #keep() {
    const { way, fault, verdict } = this;
    const kept = { way, citizen: this.citizen.key, fault, verdict: String(verdict) };
    const next = /** @type {HTMLInputElement} */ (document.querySelector("#languages [name=next]"));
    next.value = `${location.pathname}?${new URLSearchParams(kept)}`;
  }

  /** The page tells of the chosen way alone; a fault that both ways know stays chosen. */
  #follow() {
    const { way, fault } = this;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (
      document.querySelectorAll("[data-way]")
    )) {
      part.hidden = !part.dataset.way?.split(" ").includes(way);
    }
    const faults = data.faults.filter(({ ways }) => ways.includes(way));
    this.#fault.replaceChildren(...options(faults));
    this.#fault.value = faults.some(({ name }) => name === fault) ? fault : "";
    this.#explain();
  }

  #explain() {
    const chosen = data.faults.find((fault) => fault.name === this.fault);
    element("fault-explanation").textContent = chosen?.explanation ?? "";
    const end = data.verdicts.find(({ name }) => name === this.verdict);
    element("verdict-explanation").textContent = end?.explanation ?? "";
  }
}

/** The value of the radio button that is chosen. @param {string} name */
function chosen(name) {
  const radio = document.querySelector(`[name=${name}]:checked`);
  return /** @type {HTMLInputElement} */ (radio).value;
}

/**
 * @param {Citizen} citizen
 * @param {number} place
 * @returns {HTMLElement}
 */
function card(citizen, place) {
  const label = document.createElement("label");
  label.className = "citizen";
  const radio = document.createElement("input");
  Object.assign(radio, { type: "radio", name: "citizen", value: citizen.key, checked: !place });
  const face = part("face", [...citizen.name][0]);
  face.setAttribute("aria-hidden", "true");
  label.append(radio, face, part("citizen-name", citizen.name), part("citizen-note", citizen.note));
  label.querySelector(".citizen-name")?.setAttribute("lang", "zh-Hans");
  return label;
}

/** @param {string} kind @param {string} text */
function part(kind, text) {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = text;
  return span;
}

/**
 * The faults or verdicts, those of one group together.
 * @param {(Fault | Verdict)[]} faults
 * @returns {HTMLElement[]}
 */
function options(faults) {
  /** @type {Map<string, HTMLElement>} */
  const groups = new Map();
  const found = /** @type {HTMLElement[]} */ ([]);
  for (const { name, label, group } of faults) {
    const option = new Option(label, String(name));
    if (!group) {
      found.push(option);
      continue;
    }
    let place = groups.get(group);
    if (!place) {
      place = document.createElement("optgroup");
      place.setAttribute("label", group);
      groups.set(group, place);
      found.push(place);
    }
    place.append(option);
  }
  return found;
}
