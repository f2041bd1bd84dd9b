/** The successor of the button: WeChat's city service asks the citizen, and comes back with a code (checkrealnameinfo). */

const { problem } = require('./attempt')

const APP_ID = 'wx308bd2aeb83d3345'
const PATH = 'subPages/city/wxpay-auth/main'

/** @typedef {{resolve(code: string): void, reject(error: import('./api').ApiError): void}} Waiting */

/** @type {Waiting | null} */
let waiting = null
/** WeChat may show a return's data again later; a code is for one check. */
let lastCode = ''

/**
 * Go there, and wait for the way back. Call it in the tap: WeChat refuses to leave otherwise.
 * @returns {Promise<string>} the code
 */
function authorize() {
  cancel()
  return new Promise((resolve, reject) => {
    waiting = { resolve, reject }
    wx.navigateToMiniProgram({
      appId: APP_ID,
      path: PATH,
      fail: ({ errMsg }) => giveUp(/cancel|deny/i.test(errMsg) ? 'refused' : 'not_opened'),
    })
  })
}

/**
 * For App.onShow: takes the code, from that mini-program only.
 * @param {{referrerInfo?: {appId?: string, extraData?: any}}} options
 */
function returned({ referrerInfo }) {
  if (!waiting) return
  const code = referrerInfo && referrerInfo.appId === APP_ID ? codeIn(referrerInfo.extraData) : ''
  if (!code || code === lastCode) {
    giveUp('refused')
    return
  }
  lastCode = code
  waiting.resolve(code)
  waiting = null
}

/**
 * `extraData.code` is the code, or an object that has it as `auth_code`; both were seen.
 * @param {any} extraData
 * @returns {string}
 */
function codeIn(extraData) {
  const code = extraData && extraData.code
  const text = code && typeof code === 'object' ? code.auth_code : code
  return typeof text === 'string' ? text : ''
}

/** Nobody waits any more. */
const cancel = () => giveUp('refused')

/** @param {string} code */
function giveUp(code) {
  if (waiting) waiting.reject(problem(code, 'reauthorize'))
  waiting = null
}

module.exports = { APP_ID, PATH, authorize, cancel, returned }
