/**
 * The successor of the button (checkrealnameinfo): the citizen types name and number, agrees in WeChat's city service,
 * and the server asks WeChat whether they match. Name and number are in no storage, no log and no page data: they live
 * in the form and in one function call, and go with them.
 */

const config = require('../../config')
const { group } = require('../../i18n')
const api = require('../../lib/api')
const { Attempt } = require('../../lib/attempt')
const cityService = require('../../lib/city-service')
const consents = require('../../lib/consents')

Component({
  data: {
    t: /** @type {Record<string, string>} */ ({}),
    phase: 'ready',
    message: '',
    countdown: '',
    purpose: config.purpose,
    asking: false,
    agreed: false,
    notice: '',
    record: /** @type {api.Verification | null} */ (null),
  },

  methods: {
    /**
     * `agreed`: the page before has asked already, with this notice.
     * @param {{agreed?: string, notice?: string}} query
     */
    onLoad({ agreed, notice = '' } = {}) {
      const t = group('check')
      this.setData({ t, notice, agreed: !!agreed, asking: !agreed })
      wx.setNavigationBarTitle({ title: t.title })
    },

    onUnload() {
      Attempt.of(this).leave()
      cityService.cancel()
    },

    ask() {
      this.setData({ asking: true })
    },

    /** @param {WechatMiniprogram.CustomEvent<{notice: string}>} event */
    onAgreed({ detail: { notice } }) {
      this.setData({ asking: false, agreed: true, notice, message: '' })
    },

    onDeclined() {
      this.setData({ asking: false })
    },

    /** @param {WechatMiniprogram.CustomEvent<import('../../lib/person').Person>} event */
    check({ detail }) {
      if (!this.data.agreed) return
      const terms = consents.terms(this.data)
      let code = ''
      Attempt.of(this).run({
        work: async () => {
          code = code || (await cityService.authorize())
          return api.post(`${config.paths.realname}checks/`, Object.assign({ code }, detail, terms))
        },
        then: 'done',
        done: (record) => this.setData({ record }),
        failed: ({ code }) => code === 'consent_required' && this.setData({ agreed: false, notice: '' }),
      })
    },

    again() {
      Attempt.of(this).again()
    },

    /** An empty form. */
    restart() {
      Attempt.of(this).reset()
    },

    back() {
      wx.navigateBack()
    },
  },
})
