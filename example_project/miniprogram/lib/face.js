/** WeChat's face verification 2.0. The server's query alone says how it ended; what the phone reports is not looked at. */

const config = require('../config')
const api = require('./api')
const { problem } = require('./attempt')
const { canVerifyFace } = require('./client')

const FACES = `${config.paths.realname}faces/`
const RECORDS = `${config.paths.realname}verifications/`
const WAITING = `${RECORDS}?status=waiting`

/**
 * Both are null where the consent was withdrawn meanwhile: the record is erased.
 * @typedef {api.Verification & {verify_id: string | null, expires_at: string | null}} Begun
 */

/**
 * Rejects where this WeChat or this device can't.
 * @returns {Promise<void>}
 */
function checkDevice() {
  return new Promise((resolve, reject) => {
    if (!canVerifyFace()) reject(problem('old_wechat_face', 'no'))
    else
      wx.checkIsSupportFacialRecognition({
        success: () => resolve(),
        fail: () => reject(problem('no_camera', 'no')),
      })
  })
}

/**
 * @param {object} body name and number, and what goes with them
 * @returns {Promise<Begun>}
 */
const begin = (body) => api.post(FACES, body)

/**
 * The citizen before WeChat's camera. Resolves when it is over, however: `success` comes for people who didn't pass,
 * `fail` for some who did.
 * @param {string} verifyId
 * @returns {Promise<void>}
 */
function openCamera(verifyId) {
  return new Promise((resolve) => {
    const over = () => resolve()
    try {
      wx.requestFacialVerify({ verifyId, success: over, fail: over, complete: over })
    } catch (_) {
      over()
    }
  })
}

/**
 * How it ended, asked of the server; while WeChat hasn't finished, asked again after longer and longer pauses.
 * @param {string} id the record's
 * @param {() => boolean} wanted whether anybody still waits for it
 * @returns {Promise<api.Verification>}
 */
async function finish(id, wanted) {
  for (const pause of config.askAgain) {
    try {
      return await result(id)
    } catch (error) {
      const { code, retryAfter } = /** @type {api.ApiError} */ (error)
      if (code !== 'face_not_finished') throw error
      await sleep(Math.max(pause, retryAfter * 1000))
      if (!wanted()) throw error
    }
  }
  return result(id)
}

/** @param {string} id */
async function result(id) {
  const record = await api.post(`${FACES}${id}/result/`).catch((error) => settle(id, error))
  if (record.status !== 'verified') throw problem('erased', 'reauthorize')
  return record
}

/**
 * A record that a fault of WeChat's own ended gives the same error again: the citizen begins anew.
 * @param {string} id
 * @param {api.ApiError} error
 * @returns {Promise<api.Verification>} as another query ended it meanwhile
 */
async function settle(id, error) {
  if (error.code !== 'wechat_busy') throw error
  const { status } = await api.get(`${RECORDS}${id}/`)
  if (status === 'waiting') throw error
  if (status === 'failed') throw problem(error.code, 'reauthorize')
  return api.post(`${FACES}${id}/result/`)
}

/**
 * The newest face verification whose end is not known yet: the mini-program may have been closed before the camera.
 * @returns {Promise<api.Verification | undefined>}
 */
async function unfinished() {
  const { results } = await api.get(WAITING)
  return results.find((/** @type {api.Verification} */ { method }) => method === 'face')
}

/** @param {number} milliseconds */
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

module.exports = { begin, checkDevice, finish, openCamera, unfinished }
