/** The server: logs in by itself, sends JSON, and rejects with an `ApiError`. Nothing is logged. */

const config = require('../config')
const { language } = require('./client')
const session = require('./session')

/**
 * Why a call failed: the server's words, or, with status 0, ours: `network`, `timeout`, `bad_answer`, `login_failed`.
 * @typedef {object} ApiError
 * @property {string} code
 * @property {'no' | 'later' | 'reauthorize'} retry
 * @property {number} retryAfter seconds; 0: at once
 * @property {number} status
 * @property {string} [detail]
 * @property {string | null} [verification]
 * @property {Record<string, string[]>} [errors] by field, where `code` is `invalid`
 * @property {{errcode: number, errmsg: string, hint: string | null} | null} [wechat]
 */

/**
 * A record, as the server shows it.
 * @typedef {object} Verification
 * @property {string} id
 * @property {'authorize' | 'face' | 'check'} method
 * @property {'pending' | 'waiting' | 'verified' | 'rejected' | 'failed' | 'unknown' | 'erased'} status
 * @property {string | null} consent
 * @property {string | null} real_name
 * @property {string | null} credential_id
 */

/** @typedef {'GET' | 'POST' | 'DELETE'} Method */

/** @type {Promise<string> | null} */
let loggingIn = null

/** @param {string} path */
const get = (path) => call('GET', path)

/**
 * A resource of the caller, or null where the server has none.
 * @param {string} path
 */
async function find(path) {
  try {
    return await get(path)
  } catch (error) {
    if (/** @type {ApiError} */ (error).code === 'not_found') return null
    throw error
  }
}

/**
 * @param {string} path
 * @param {object} [body]
 */
const post = (path, body) => call('POST', path, body)

/** @param {string} path */
const remove = (path) => call('DELETE', path)

/**
 * With the token of the last login; refused with 401, once more after a new one.
 * @param {Method} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function call(method, path, body) {
  const token = await login()
  try {
    return await send(method, path, body, token)
  } catch (error) {
    if (/** @type {ApiError} */ (error).status !== 401) throw error
    session.drop(token)
    return send(method, path, body, await login())
  }
}

/** A token that holds; whoever asks while a login is under way waits for that one. */
function login() {
  const token = session.token()
  if (token) return Promise.resolve(token)
  if (!loggingIn) {
    const over = () => {
      loggingIn = null
    }
    loggingIn = logIn()
    loggingIn.then(over, over)
  }
  return loggingIn
}

async function logIn() {
  try {
    const { token, expires_at } = await send('POST', config.paths.login, { code: await wxLogin() })
    session.keep({ token, expiresAt: Date.parse(expires_at) || null })
    return token
  } catch (error) {
    if (error instanceof Error) throw error // not an answer: the caller's last resort
    const { retry } = /** @type {ApiError} */ (error)
    // A login code that was refused asks for another login; the citizen has nothing to authorize.
    throw Object.assign({}, error, { retry: retry === 'no' ? 'no' : 'later' })
  }
}

/** @returns {Promise<string>} */
function wxLogin() {
  return new Promise((resolve, reject) => {
    wx.login({
      success: ({ code }) => (code ? resolve(code) : reject(ours('login_failed'))),
      fail: () => reject(ours('login_failed')),
    })
  })
}

/**
 * @param {Method} method
 * @param {string} path
 * @param {object} [data]
 * @param {string} [token]
 * @returns {Promise<any>}
 */
function send(method, path, data, token) {
  /** @type {Record<string, string>} */
  const header = { 'Accept-Language': language() === 'zh' ? 'zh-hans' : 'en' }
  if (token) header.Authorization = `Bearer ${token}`
  return new Promise((resolve, reject) => {
    wx.request({
      url: config.api + path,
      method,
      data,
      header,
      timeout: config.timeout,
      success: (answer) => {
        const error = problem(answer)
        if (error) reject(error)
        else resolve(answer.data)
      },
      fail: ({ errMsg }) => reject(ours(/time.?out/i.test(errMsg) ? 'timeout' : 'network')),
    })
  })
}

/**
 * What is wrong with an answer, if anything. An answer that isn't ours, such as a gateway's page, says nothing of what
 * became of the call, as a time-out doesn't.
 * @param {WechatMiniprogram.RequestSuccessCallbackResult<any>} answer
 * @returns {ApiError | null}
 */
function problem({ statusCode, data, header }) {
  if (statusCode === 204) return null
  if (typeof data !== 'object' || data === null) return ours('bad_answer')
  if (statusCode >= 200 && statusCode < 300) return null
  if (typeof data.code !== 'string') return ours('bad_answer')
  return Object.assign({ retry: 'no' }, data, { code: meant(data), status: statusCode, retryAfter: retryAfter(header) })
}

/**
 * A notice that is not in force any more is read anew, as where none was agreed to.
 * @param {{code: string, errors?: Record<string, string[]>}} data
 */
function meant({ code, errors }) {
  return code === 'invalid' && errors && errors.notice ? 'consent_required' : code
}

/**
 * Seconds, an hour at most. Devices write a header's name as they like.
 * @param {Record<string, any> | undefined} header
 */
function retryAfter(header = {}) {
  const name = Object.keys(header).find((key) => key.toLowerCase() === 'retry-after')
  const seconds = name ? parseInt(header[name], 10) : 0
  return Math.min(Math.max(seconds || 0, 0), 3600)
}

/**
 * A failure on the way. Each may be tried again at once: the server tells a repeated call from a new one.
 * @param {string} code
 * @returns {ApiError}
 */
function ours(code) {
  return { code, retry: 'later', retryAfter: 0, status: 0 }
}

module.exports = { find, get, login, post, remove }
