/** Logs in, asks for the real name with the citizen's consent, and opens the service. */

const config = require('../../config')
const { group } = require('../../i18n')
const api = require('../../lib/api')
const { Attempt } = require('../../lib/attempt')

/** @typedef {api.Verification} Verification */

// A page by Component(), which WeChat takes for pages too, so that the tests render it as it is.
Component({
  data: {
    t: /** @type {Record<string, string>} */ ({}),
    phase: 'ready',
    message: '',
    countdown: '',
    known: false,
    agreed: false,
    consent: config.consent,
    record: /** @type {Verification | null} */ (null),
    service: /** @type {{insured: string, balance: string} | null} */ (null),
  },

  methods: {
    onLoad() {
      const t = group('index')
      this.setData({ t })
      wx.setNavigationBarTitle({ title: t.title })
    },

    onUnload() {
      Attempt.of(this).leave()
    },

    /** The first call logs in. WeChat Pay's dialog hides and shows the page too: what came meanwhile stays. */
    onShow() {
      Attempt.of(this).run({
        work: currentRecord,
        then: 'ready',
        done: (record) => this.setData({ record: record || this.data.record, known: true }),
      })
    },

    /** @param {WechatMiniprogram.CustomEvent<{value: string[]}>} event */
    onAgree({ detail }) {
      this.setData({ agreed: detail.value.length > 0 })
    },

    /** @param {WechatMiniprogram.CustomEvent<Verification>} event */
    onVerified({ detail }) {
      this.setData({ record: detail })
    },

    openService() {
      Attempt.of(this).run({
        work: () => api.get(config.paths.service),
        then: 'ready',
        done: (service) => this.setData({ service }),
        failed: ({ code }) => code === 'real_name_required' && this.forget(),
      })
    },

    withdraw() {
      const { record, t } = this.data
      wx.showModal({
        title: t.withdraw,
        content: t.withdrawAsk,
        success: ({ confirm }) => {
          if (!confirm || !record) return
          Attempt.of(this).run({
            work: () => api.remove(`${config.paths.realname}verifications/${record.id}/`),
            then: 'ready',
            done: () => this.forget(),
          })
        },
      })
    },

    forget() {
      this.setData({ record: null, service: null, agreed: false })
    },

    openCheck() {
      wx.navigateTo({ url: '/pages/check/check' })
    },

    again() {
      Attempt.of(this).again()
    },
  },
})

/** @returns {Promise<Verification | null>} */
async function currentRecord() {
  try {
    return await api.get(`${config.paths.realname}verifications/current/`)
  } catch (error) {
    if (/** @type {api.ApiError} */ (error).code === 'not_found') return null
    throw error
  }
}
