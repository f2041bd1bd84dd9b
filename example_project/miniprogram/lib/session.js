/** The login's token: in memory, and in the storage that WeChat keeps apart for each user and mini-program. */

const KEY = 'wx_realname.session'
const MARGIN = 60000 // milliseconds: a token that ends while it's on its way is of no use

/**
 * `expiresAt`: milliseconds; null where the login doesn't say when: such a token holds until the server refuses it.
 * @typedef {{token: string, expiresAt: number | null}} Session
 */

/** @type {Session | null} */
let current = null

/** The token, or '' when there is none that holds. */
function token() {
  if (!current) current = wx.getStorageSync(KEY) || null
  return current && holds(current) ? current.token : ''
}

/** @param {Session} session */
function holds({ expiresAt }) {
  return expiresAt === null || expiresAt - MARGIN > Date.now()
}

/** @param {Session} session */
function keep(session) {
  current = session
  try {
    wx.setStorage({ key: KEY, data: session })
  } catch {
    // kept in memory: the storage may be full
  }
}

/**
 * Forget this token, but not one that has come since.
 * @param {string} refused
 */
function drop(refused) {
  if (!current || current.token !== refused) return
  current = null
  wx.removeStorageSync(KEY)
}

module.exports = { drop, keep, token }
