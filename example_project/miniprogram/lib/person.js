/** Name and number from a form, as the server takes them. */

const names = require('./names')
const residentId = require('./resident-id')

/** @typedef {{real_name: string, credential_id: string}} Person */

/**
 * The person, or the first thing to correct, by its key in i18n.js; a check digit that doesn't hold is only doubted.
 * @param {Person} typed
 * @returns {{person: Person, wrong: '' | 'badName' | 'badNumber' | 'checkDigit'}}
 */
function read(typed) {
  const real_name = names.normalize(typed.real_name)
  const credential_id = residentId.normalize(typed.credential_id)
  return { person: { real_name, credential_id }, wrong: fault(real_name, credential_id) }
}

/**
 * @param {string} name
 * @param {string} number
 */
function fault(name, number) {
  if (!name) return 'badName'
  if (!number) return 'badNumber'
  return residentId.checkDigitHolds(number) ? '' : 'checkDigit'
}

module.exports = { read }
