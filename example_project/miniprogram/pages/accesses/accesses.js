/** Who looked at the citizen's data, newest first: the office or role, never an officer's name. */

const { group } = require('../../i18n')
const { Attempt } = require('../../lib/attempt')
const consents = require('../../lib/consents')

/** @typedef {{at: string, what: string, by: string, reason: string}} Row */

Component({
  data: {
    t: /** @type {Record<string, string>} */ ({}),
    phase: 'ready',
    message: '',
    countdown: '',
    id: '',
    rows: /** @type {Row[]} */ ([]),
    cursor: '',
    known: false,
  },

  methods: {
    /** @param {{id?: string}} query */
    onLoad({ id = '' } = {}) {
      const t = group('accesses')
      this.setData({ t, id })
      wx.setNavigationBarTitle({ title: t.title })
      this.more()
    },

    onUnload() {
      Attempt.of(this).leave()
    },

    more() {
      const { t, id, rows, cursor } = this.data
      Attempt.of(this).run({
        work: () => consents.accesses(id, cursor),
        then: 'ready',
        done: (page) => {
          const further = page.accesses.map((/** @type {consents.Access} */ access) => row(access, t))
          this.setData({ rows: rows.concat(further), cursor: page.cursor, known: true })
        },
      })
    },

    again() {
      Attempt.of(this).again()
    },
  },
})

/**
 * @param {consents.Access} access
 * @param {Record<string, string>} t
 * @returns {Row}
 */
function row({ at, what, by, reason }, t) {
  return { at: localTime(new Date(at)), what: t[what] || what, by, reason }
}

/**
 * 2026-11-29 08:05, by the device's clock.
 * @param {Date} time
 */
function localTime(time) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0')
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`
}
