/** A name as people type and paste it, in the one spelling that the server compares and sends (its names.py). */

/** Invisible characters that a paste brings: the zero-width ones, direction marks, soft hyphens (category Cf). */
const INVISIBLE = /\p{Cf}/gu
/** Full-width letters and digits, and the full-width stop. */
const FULL_WIDTH = /[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff0e]/g
/** What keyboards give for the dot of a name, which is U+00B7 alone (民委发〔2016〕33号). */
const DOTS = /[.\u0387\u2022\u2024\u2027\u2219\u22c5\u25cf\u2e31\u30fb\uff65]/g
/** Not a look-behind, which iOS has only since 16.4. */
const BLANK_BETWEEN_CHINESE = /([\p{Script=Han}\u00b7])\s+(?=[\p{Script=Han}\u00b7])/gu
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const LONGEST = 512

/** Characters that GB 18030-2022 and 2005 moved out of private use, by runs; old input methods still give those. */
const MOVED = new Map()
for (const [first, characters] of /** @type {[number, string][]} */ ([
  [0xe78d, '\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19'],
  [0xe7c7, '\u1e3f'],
  [0xe81e, '\u9fb4'],
  [0xe826, '\u9fb5'],
  [0xe82b, '\u9fb6\u9fb7'],
  [0xe832, '\u9fb8'],
  [0xe843, '\u9fb9'],
  [0xe854, '\u9fba'],
  [0xe864, '\u9fbb'],
]))
  [...characters].forEach((character, i) => MOVED.set(String.fromCharCode(first + i), character))

/**
 * The name, or '' when nothing is left of it or it can't be one.
 * @param {string} text
 */
function normalize(text) {
  const name = fold(text)
    .replace(/[\ue78d-\ue864]/g, (character) => MOVED.get(character) || character)
    .replace(DOTS, '\u00b7')
    .replace(BLANK_BETWEEN_CHINESE, '$1')
    .trim()
  return CONTROL.test(name) || name.length > LONGEST ? '' : name
}

/**
 * Without invisible characters, and with full-width letters and digits as plain ones; for names and numbers.
 * @param {string} text
 */
function fold(text) {
  return String(text)
    .replace(INVISIBLE, '')
    .replace(FULL_WIDTH, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0))
}

module.exports = { fold, normalize }
