/**
 * The button that asks the citizen for a real name, and brings the answer to the server.
 *
 *   <realname-button agreed="{{agreed}}" notice="{{notice}}" bind:verified="onVerified" bind:failed="onFailed" />
 *
 * `agreed`: whether the citizen agreed in realname-notice, `notice`: the id that it gave. `merchant`: an alias, where a server
 * has several. `verified` carries the record, `failed` the error (see lib/api.js); neither ever carries the auth_token,
 * which is kept for as long as it may be posted again, outside the data that the view gets.
 */

const config = require('../../config')
const { group } = require('../../i18n')
const api = require('../../lib/api')
const { Attempt, problem } = require('../../lib/attempt')
const { canAuthorize } = require('../../lib/client')
const consents = require('../../lib/consents')

Component({
  properties: {
    agreed: { type: Boolean, value: false },
    notice: { type: String, value: '' },
    merchant: { type: String, value: '' },
  },

  data: {
    t: /** @type {Record<string, string>} */ ({}),
    phase: 'busy',
    message: '',
    countdown: '',
    categoryId: /** @type {number[]} */ ([]),
  },

  lifetimes: {
    attached() {
      this.setData({ t: group('button') })
      if (canAuthorize()) this.prepare()
      else this.failWith(problem('old_wechat', 'no'))
    },
    detached() {
      Attempt.of(this).leave()
    },
  },

  methods: {
    /** The button can't ask without the category that the mini-program was granted. */
    prepare() {
      const { merchant } = this.data
      const query = merchant ? `?merchant=${encodeURIComponent(merchant)}` : ''
      Attempt.of(this).run({
        work: async () => {
          const { category_id } = await api.get(`${config.paths.realname}categories/${query}`)
          if (!category_id) throw problem('no_category', 'no')
          return category_id
        },
        then: 'ready',
        done: (categoryId) => this.setData({ categoryId }),
        failed: (error) => this.triggerEvent('failed', error),
      })
    },

    /**
     * What WeChat says after the citizen's tap: `auth_token`, or in `errMsg` why there is none.
     * @param {WechatMiniprogram.CustomEvent<{auth_token?: string, errMsg?: string}>} event
     */
    onAuthInfo({ detail: { auth_token, errMsg = '' } }) {
      if (this.data.phase !== 'ready' || !this.data.agreed) return
      if (auth_token) this.exchange(auth_token)
      else {
        const refused = !errMsg || /deny|denied|cancel|refuse/i.test(errMsg)
        this.failWith(problem(refused ? 'refused' : 'not_opened', 'reauthorize'))
      }
    },

    /** @param {string} auth_token */
    exchange(auth_token) {
      const body = Object.assign({ auth_token }, consents.terms(this.data))
      Attempt.of(this).run({
        work: async () => {
          const record = await api.post(`${config.paths.realname}verifications/`, body)
          if (record.status !== 'verified') throw problem('erased', 'reauthorize')
          return record
        },
        then: 'done',
        done: (record) => this.triggerEvent('verified', record),
        failed: (error) => this.triggerEvent('failed', error),
      })
    },

    again() {
      Attempt.of(this).again()
    },

    /** @param {api.ApiError} error */
    failWith(error) {
      Attempt.of(this).fail(error)
      this.triggerEvent('failed', error)
    },
  },
})
