/** The WeChat that the mini-program runs in. */

/** The first WeChat, on iOS and Android, whose button hands out real names (the interface document, section 2). */
const OLDEST_WECHAT = '6.5.22'

/** The first base library with face verification 2.0; it came with WeChat 8.0.57. */
const OLDEST_FACE_LIBRARY = '3.8.12'

/** Whether this WeChat's button can ask for a real name. */
function canAuthorize() {
  return (
    compareVersions(base().version, OLDEST_WECHAT) >= 0 &&
    wx.canIUse('button.open-type.getRealnameAuthInfo')
  )
}

/** Whether this WeChat has face verification 2.0; whether the device can, lib/face.js asks. */
function canVerifyFace() {
  return (
    compareVersions(base().SDKVersion, OLDEST_FACE_LIBRARY) >= 0 &&
    wx.canIUse('requestFacialVerify') &&
    wx.canIUse('checkIsSupportFacialRecognition')
  )
}

/** The table's language for this device: Chinese for all that speak it, English for all others. */
function language() {
  return /^zh/i.test(base().language) ? 'zh' : 'en'
}

/**
 * Below 0 when `a` is older than `b`: number by number, since '6.5.9' as a text is greater than '6.5.22'.
 * @param {string} a
 * @param {string} b
 */
function compareVersions(a, b) {
  const [left, right] = [numbers(a), numbers(b)]
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] || 0) - (right[i] || 0)
    if (difference) return difference
  }
  return 0
}

/** @param {string} version */
function numbers(version) {
  return String(version).split('.').map((part) => parseInt(part, 10) || 0)
}

/** getAppBaseInfo came with base library 2.20.1; what came before is no longer looked after. */
function base() {
  return typeof wx.getAppBaseInfo === 'function' ? wx.getAppBaseInfo() : wx.getSystemInfoSync()
}

module.exports = { canAuthorize, canVerifyFace, compareVersions, language }
