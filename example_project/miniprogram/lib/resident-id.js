/** The resident ID number (GB 11643-1999), as the server's resident_id.py judges it. */

/** What a paste brings along: blanks, and the invisible characters. */
const STRAY = /[\p{Zs}\p{Cf}]/gu
const FULL_WIDTH = /[\uff10-\uff19\uff38\uff58]/g
const SHAPE = /^(\d{17}[\dX]|\d{15})$/
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECK_CHARACTERS = '10X98765432'

/**
 * The number in its one form, or '' when it isn't shaped like one or its birth date doesn't exist (yet).
 * @param {string} text
 */
function normalize(text) {
  const number = folded(text)
  return SHAPE.test(number) && isBirthDate(number) ? number : ''
}

/** @param {string} text */
function folded(text) {
  return String(text)
    .trim()
    .replace(STRAY, '')
    .replace(FULL_WIDTH, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0))
    .toUpperCase()
}

/** @param {string} number */
function isBirthDate(number) {
  const digits = number.length === 18 ? number.slice(6, 14) : `19${number.slice(6, 12)}`
  const [year, month, day] = [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6)].map(Number)
  const born = new Date(Date.UTC(year, month - 1, day))
  const exists = born.getUTCMonth() === month - 1 && born.getUTCDate() === day
  const beganInChina = born.getTime() - 8 * 3600 * 1000 <= Date.now()
  return exists && year >= 1800 && beganInChina
}

/**
 * Advisory: numbers issued wrongly exist, and their holders are citizens too. The old 15 digits have no check digit.
 * @param {string} number normalized
 */
function checkDigitHolds(number) {
  if (number.length !== 18) return true
  const total = WEIGHTS.reduce((sum, weight, place) => sum + weight * Number(number[place]), 0)
  return number[17] === CHECK_CHARACTERS[total % 11]
}

module.exports = { checkDigitHolds, normalize }
