/**
 * Face verification: the citizen types name and number, WeChat's camera compares, and the server asks WeChat how it ended.
 *
 *   <realname-face agreed="{{agreed}}" notice="{{notice}}"
 *     bind:verified="onVerified" bind:failed="onFailed" bind:otherway="onOtherWay">where else to go</realname-face>
 *
 * `agreed`: whether the citizen agreed in realname-notice, `notice`: the id that it gave. `merchant`: an alias, where a
 * server has several. `verified` carries the record, `failed` the error (see lib/api.js). `otherway`: the citizen wants
 * another way than the face, which the law asks every service to offer; the slot is the place to name those outside of
 * the mini-program. Name, number and verify_id are in no data, storage or event.
 */

const { group } = require('../../i18n')
const { Attempt } = require('../../lib/attempt')
const consents = require('../../lib/consents')
const face = require('../../lib/face')

/** @typedef {import('../../lib/api').Verification} Verification */

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
    usable: true,
  },

  lifetimes: {
    attached() {
      this.setData({ t: group('face') })
      this.resume()
    },
    detached() {
      Attempt.of(this).leave()
    },
  },

  methods: {
    /** What a restart interrupted comes first; then, whether this device can. */
    resume() {
      Attempt.of(this).run({
        work: async () => {
          const unfinished = await face.unfinished()
          if (!unfinished) await face.checkDevice()
          return unfinished
        },
        way: 'face',
        then: 'ready',
        done: (unfinished) => unfinished && this.run(() => this.finish(unfinished.id)),
        failed: (error) => this.onFailed(error),
      })
    },

    /** @param {WechatMiniprogram.CustomEvent<import('../../lib/person').Person>} event */
    verify({ detail }) {
      if (!this.data.agreed) return
      const body = Object.assign({}, detail, consents.terms(this.data))
      let id = ''
      let filmed = false
      this.run(async () => {
        if (!filmed) {
          await face.checkDevice()
          const begun = await face.begin(body)
          id = begun.id
          if (begun.verify_id) await face.openCamera(begun.verify_id)
          filmed = true
        }
        return this.finish(id)
      })
    },

    /**
     * @param {string} id
     * @returns {Promise<Verification>}
     */
    finish(id) {
      return face.finish(id, () => !Attempt.of(this).left)
    },

    /** @param {() => Promise<Verification>} work */
    run(work) {
      Attempt.of(this).run({
        work,
        way: 'face',
        then: 'done',
        done: (record) => this.triggerEvent('verified', record),
        failed: (error) => this.onFailed(error),
      })
    },

    /** @param {import('../../lib/api').ApiError} error */
    onFailed(error) {
      this.setData({ usable: !['old_wechat_face', 'no_camera'].includes(error.code) })
      this.triggerEvent('failed', error)
    },

    again() {
      Attempt.of(this).again()
    },

    /** An empty form; what is unfinished, the server settles. */
    restart() {
      Attempt.of(this).reset()
    },

    otherWay() {
      this.triggerEvent('otherway')
    },
  },
})
