/** Notices and consents of this mini-program's purpose, and who looked at the data. */

const config = require('../config')
const api = require('./api')

const { realname } = config.paths

/** @typedef {{id: string, purpose: string, version: string, title: string, text: string, handler: string, recipients: string, retention_days: number | null}} Notice */
/** @typedef {{id: string, purpose: string, withdrawn_at: string | null}} Consent */
/** @typedef {{at: string, what: 'reveal' | 'search' | 'export' | 'copy' | 'use', by: string, reason: string}} Access */

/**
 * The notice in force, or null where the service has none.
 * @param {string} purpose
 * @returns {Promise<Notice | null>}
 */
const notice = (purpose) => api.find(`${realname}notices/${encodeURIComponent(purpose)}/`)

/**
 * What goes with the data into a post: the notice that the citizen agreed to, and the merchant where there are several.
 * @param {{notice: string, merchant?: string}} agreed
 */
function terms({ notice: id, merchant }) {
  return Object.assign({}, id && { notice: id }, merchant && { merchant })
}

/** @param {string} id of the notice */
const give = (id) => api.post(`${realname}consents/`, { notice: id })

/**
 * Withdraws the consent to this purpose; data that was given without a notice is erased by its record.
 * @param {api.Verification} record
 */
async function withdraw(record) {
  const { results } = await api.get(`${realname}consents/`)
  const live = results.find(
    (/** @type {Consent} */ { purpose, withdrawn_at }) => purpose === config.purpose && !withdrawn_at,
  )
  const id = live ? live.id : record.consent
  if (id) await api.post(`${realname}consents/${id}/withdraw/`)
  else await api.remove(`${realname}verifications/${record.id}/`)
}

/**
 * A page of the accesses to a record's data, and the next page's cursor, '' on the last one.
 * @param {string} id
 * @param {string} cursor
 * @returns {Promise<{accesses: Access[], cursor: string}>}
 */
async function accesses(id, cursor) {
  const { results, next } = await api.get(`${realname}verifications/${id}/accesses/${cursor && `?cursor=${cursor}`}`)
  const [, following = ''] = /[?&]cursor=([^&]+)/.exec(next || '') || []
  return { accesses: results, cursor: following }
}

module.exports = { accesses, give, notice, terms, withdraw }
