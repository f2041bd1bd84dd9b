/** WeChat's privacy agreement, which comes before any personal data. Base library 2.32.3; an older one has none. */

/**
 * `needed`: the citizen hasn't agreed yet. `name`: the agreement's, '' where WeChat has none to show.
 * @typedef {{needed: boolean, name: string}} Privacy
 */

/** @returns {Promise<Privacy>} */
function ask() {
  return new Promise((resolve) => {
    if (!wx.canIUse('getPrivacySetting')) resolve({ needed: false, name: '' })
    else
      wx.getPrivacySetting({
        success: ({ needAuthorization, privacyContractName }) =>
          resolve({ needed: needAuthorization, name: privacyContractName || '' }),
        // Not known: asked for once more rather than not at all.
        fail: () => resolve({ needed: true, name: '' }),
      })
  })
}

/** @param {() => void} failed */
function open(failed) {
  wx.openPrivacyContract({ fail: failed })
}

module.exports = { ask, open }
