/**
 * The form of name and number.
 *
 *   <realname-person label="{{t.submit}}" busy="{{phase === 'busy'}}" busy-label="{{t.busy}}" bind:person="verify" />
 *
 * `person` carries {real_name, credential_id} as the server takes them. They are in no data: they live in the form and
 * in that event, and go with them.
 */

const { group } = require('../../i18n')
const person = require('../../lib/person')

Component({
  properties: {
    label: { type: String, value: '' },
    busyLabel: { type: String, value: '' },
    busy: { type: Boolean, value: false },
  },

  data: {
    t: /** @type {Record<string, string>} */ ({}),
    hint: '',
    wrong: '',
  },

  lifetimes: {
    attached() {
      this.setData({ t: group('person') })
    },
  },

  methods: {
    /** @param {WechatMiniprogram.CustomEvent<{value: import('../../lib/person').Person}>} event */
    submit({ detail: { value } }) {
      if (this.data.busy) return
      const read = person.read(value)
      const confirmed = read.wrong === 'checkDigit' && this.data.wrong === 'checkDigit'
      if (read.wrong && !confirmed) this.setData({ wrong: read.wrong, hint: this.data.t[read.wrong] })
      else {
        this.setData({ wrong: '', hint: '' })
        this.triggerEvent('person', read.person)
      }
    },

    /** What was confirmed was another number. */
    onInput() {
      if (this.data.hint) this.setData({ wrong: '', hint: '' })
    },
  },
})
