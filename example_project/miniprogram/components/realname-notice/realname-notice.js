/**
 * What comes before any personal data: the notice in force of a purpose, and WeChat's privacy agreement, in a sheet of
 * its own.
 *
 *   <realname-notice purpose="social-security" bind:agreed="onAgreed" bind:declined="onDeclined" />
 *
 * Render it when the citizen is to be asked. `agreed` carries {notice}: the id that goes into the posts, '' where the
 * service has no notice. Where there is no notice and WeChat asks for nothing, `agreed` comes at once.
 */

const { fill, group } = require('../../i18n')
const { Attempt } = require('../../lib/attempt')
const consents = require('../../lib/consents')
const privacy = require('../../lib/privacy')

/** @typedef {{notice: import('../../lib/consents').Notice | null, privacy: import('../../lib/privacy').Privacy}} Question */

Component({
  properties: {
    purpose: { type: String, value: '' },
  },

  data: {
    t: /** @type {Record<string, string>} */ ({}),
    phase: 'busy',
    message: '',
    countdown: '',
    notice: /** @type {Question['notice']} */ (null),
    privacy: { needed: false, name: '' },
    days: '',
    recipients: '',
    ticked: false,
    notOpened: false,
  },

  lifetimes: {
    attached() {
      this.setData({ t: group('notice') })
      Attempt.of(this).run({
        work: async () => ({ notice: await consents.notice(this.data.purpose), privacy: await privacy.ask() }),
        then: 'ready',
        done: (question) => this.show(question),
      })
    },
    detached() {
      Attempt.of(this).leave()
    },
  },

  methods: {
    /** @param {Question} question */
    show({ notice, privacy: { needed, name } }) {
      const { t } = this.data
      const days = notice && notice.retention_days ? fill(t.days, { days: notice.retention_days }) : ''
      const recipients = String((notice && notice.recipients) || '')
      this.setData({ notice, days, recipients, privacy: { needed, name: name || (needed ? t.privacy : '') } })
      if (!notice && !needed) this.triggerEvent('agreed', { notice: '' })
    },

    /** @param {WechatMiniprogram.CustomEvent<{value: string[]}>} event */
    onTick({ detail }) {
      this.setData({ ticked: detail.value.length > 0 })
    },

    /** Called by a tap, or by WeChat once it has noted the agreement to its own document. */
    agree() {
      const { notice, ticked } = this.data
      if (ticked) this.triggerEvent('agreed', { notice: notice ? notice.id : '' })
    },

    decline() {
      this.triggerEvent('declined')
    },

    openPrivacy() {
      this.setData({ notOpened: false })
      privacy.open(() => this.setData({ notOpened: true }))
    },

    again() {
      Attempt.of(this).again()
    },
  },
})
