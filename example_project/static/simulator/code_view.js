// @ts-check
/** A message as it stands on the wire; what is secret is a black bar that says what it hides. */

import { words } from "./page_data.js";

/** Something that must not be shown: only what kind of thing it is. */
export class Hidden {
  /** @param {string} label */
  constructor(label) {
    this.label = label;
  }

  /**
   * A secret of which only the length is told.
   * @param {string} secret
   */
  static length(secret) {
    return new Hidden(words("characters", { count: secret.length }));
  }
}

/**
 * A head of lines, and a JSON body below it.
 * @param {(string | Hidden)[][]} head
 * @param {Record<string, unknown> | null} [body]
 * @returns {HTMLElement}
 */
export function codeView(head, body) {
  const view = document.createElement("pre");
  view.tabIndex = 0; // it may be wider than its box, and then scrolls by keyboard
  for (const line of head) view.append(...line.map(shown), "\n");
  if (body) view.append(...object(body, ""));
  return view;
}

/**
 * @param {Record<string, unknown>} body
 * @param {string} indent
 * @returns {(string | Node)[]}
 */
function object(body, indent) {
  /** @type {(string | Node)[]} */
  const parts = ["{"];
  const entries = Object.entries(body);
  const [gap, end] = entries.length > 2 ? [`\n${indent}  `, `\n${indent}}`] : [" ", " }"];
  entries.forEach(([key, value], place) => {
    parts.push(`${place ? "," : ""}${gap}`, span("key", JSON.stringify(key)), ": ");
    if (value instanceof Hidden) parts.push(shown(value));
    else if (isObject(value)) parts.push(...object(value, `${indent}  `));
    else parts.push(span("value", JSON.stringify(value)));
  });
  return [...parts, end];
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {string | Hidden} part
 * @returns {string | Node}
 */
function shown(part) {
  return part instanceof Hidden ? span("redacted", part.label) : part;
}

/**
 * @param {string} kind
 * @param {string} text
 */
export function span(kind, text) {
  const made = document.createElement("span");
  made.className = kind;
  made.textContent = text;
  return made;
}
