/** Logs in, asks for consent and the real name, opens the service, and takes the consent back. */

const config = require('../../config')
const { errorWords, group } = require('../../i18n')
const api = require('../../lib/api')
const { Attempt } = require('../../lib/attempt')
const consents = require('../../lib/consents')

/** @typedef {api.Verification} Verification */

// A page by Component(), which WeChat takes for pages too, so that the tests render it as it is.
Component({
  data: {
    t: /** @type {Record<string, string>} */ ({}),
    phase: 'ready',
    message: '',
    countdown: '',
    purpose: config.purpose,
    known: false,
    asking: false,
    agreed: false,
    notice: '',
    otherWays: false,
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

    /** The first call logs in. WeChat's own dialogs hide and show the page too: what came meanwhile stays. */
    onShow() {
      Attempt.of(this).run({
        work: () => api.find(`${config.paths.realname}verifications/current/`),
        then: 'ready',
        done: (record) => this.setData({ record: record || this.data.record, known: true }),
      })
    },

    ask() {
      this.setData({ asking: true, message: '' })
    },

    /**
     * Before a verification, or, by who is verified for another purpose, to this one.
     * @param {WechatMiniprogram.CustomEvent<{notice: string}>} event
     */
    onAgreed({ detail: { notice } }) {
      this.setData({ asking: false, agreed: true, notice })
      if (!this.data.record) return
      if (notice) this.openService(() => consents.give(notice))
      else this.setData({ message: errorWords({ code: 'misconfigured' }) })
    },

    onDeclined() {
      this.setData({ asking: false, agreed: false, notice: '', message: this.data.t.declined })
    },

    onOtherWay() {
      this.setData({ otherWays: true })
    },

    /** @param {WechatMiniprogram.CustomEvent<Verification>} event */
    onVerified({ detail }) {
      this.setData({ record: detail })
    },

    /**
     * The component says why; here is what follows for the page.
     * @param {WechatMiniprogram.CustomEvent<api.ApiError>} event
     */
    onFailed({ detail: { code } }) {
      if (code === 'consent_required') this.setData({ agreed: false, notice: '' })
      if (['old_wechat_face', 'no_camera', 'face_unsupported'].includes(code)) this.onOtherWay()
    },

    open() {
      this.openService(async () => {})
    },

    /** @param {() => Promise<void>} before */
    openService(before) {
      Attempt.of(this).run({
        work: async () => {
          await before()
          return api.get(config.paths.service)
        },
        then: 'ready',
        done: (service) => this.setData({ service }),
        failed: ({ code }) => {
          if (code === 'real_name_required') this.forget()
          if (code === 'consent_required') this.ask()
        },
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
            work: () => consents.withdraw(record),
            then: 'ready',
            done: () => this.forget(),
          })
        },
      })
    },

    forget() {
      this.setData({ record: null, service: null, agreed: false, notice: '' })
    },

    openAccesses() {
      const { record } = this.data
      if (record) wx.navigateTo({ url: `/pages/accesses/accesses?id=${record.id}` })
    },

    openCheck() {
      const { agreed, notice } = this.data
      wx.navigateTo({ url: `/pages/check/check${agreed ? `?agreed=1&notice=${notice}` : ''}` })
    },

    again() {
      Attempt.of(this).again()
    },
  },
})
