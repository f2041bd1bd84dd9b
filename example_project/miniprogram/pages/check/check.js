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
const residentId = require('../../lib/resident-id')

/** @typedef {{real_name: string, credential_id: string}} Person */

Component({
  data: {
    t: /** @type {Record<string, string>} */ ({}),
    phase: 'ready',
    message: '',
    countdown: '',
    hint: '',
    doubted: false,
    record: /** @type {api.Verification | null} */ (null),
  },

  methods: {
    onLoad() {
      const t = group('check')
      this.setData({ t })
      wx.setNavigationBarTitle({ title: t.title })
    },

    onUnload() {
      Attempt.of(this).leave()
      cityService.cancel()
    },

    /** @param {WechatMiniprogram.CustomEvent<{value: Person}>} event */
    submit({ detail: { value } }) {
      const { t, phase, doubted } = this.data
      if (phase !== 'ready') return
      const real_name = value.real_name.trim()
      const credential_id = residentId.normalize(value.credential_id)
      if (!real_name) this.setData({ hint: t.badName })
      else if (!credential_id) this.setData({ hint: t.badNumber })
      else if (!doubted && !residentId.checkDigitHolds(credential_id))
        this.setData({ hint: t.checkDigit, doubted: true })
      else this.check({ real_name, credential_id })
    },

    /** What was confirmed was another number. */
    onInput() {
      if (this.data.hint) this.setData({ hint: '', doubted: false })
    },

    /** @param {Person} person */
    check(person) {
      let code = ''
      this.setData({ hint: '' })
      Attempt.of(this).run({
        work: async () => {
          code = code || (await cityService.authorize())
          const body = Object.assign({ code, consent: config.consent }, person)
          return api.post(`${config.paths.realname}checks/`, body)
        },
        then: 'done',
        done: (record) => this.setData({ record }),
      })
    },

    again() {
      Attempt.of(this).again()
    },

    /** An empty form. */
    restart() {
      Attempt.of(this).reset()
      this.setData({ hint: '', doubted: false })
    },

    back() {
      wx.navigateBack()
    },
  },
})
