/** Something that is tried: once at a time, and after a failure the right next step. */

const { errorWords, fill, group } = require('../i18n')

/** @typedef {import('./api').ApiError} ApiError */

/**
 * ready: can be begun · busy: in flight · waiting: counts down to `again` · again: the same once more ·
 * stopped: trying again won't help · done
 * @typedef {'ready' | 'busy' | 'waiting' | 'again' | 'stopped' | 'done'} Phase
 */

/** @typedef {{phase: Phase, message: string, countdown: string}} View */

/**
 * `then` is the phase after success.
 * @typedef {object} Job
 * @property {() => Promise<any>} work
 * @property {(result: any) => void} done
 * @property {(error: ApiError) => void} [failed]
 * @property {Phase} then
 * @property {'face'} [way] whose words an error is told in
 */

/** @type {WeakMap<object, Attempt>} */
const attempts = new WeakMap()

class Attempt {
  /**
   * The attempt of a page or component, which shows it in `phase`, `message` and `countdown`.
   * @param {{setData(view: View): void}} component
   * @returns {Attempt}
   */
  static of(component) {
    const attempt = attempts.get(component) || new Attempt((view) => component.setData(view))
    attempts.set(component, attempt)
    return attempt
  }

  /** @param {(view: View) => void} show */
  constructor(show) {
    this._show = show
    /** Whether the page or component is gone. */
    this.left = false
    /** @type {Phase} */
    this.phase = 'ready'
    /** @type {Job | null} what `again` does */
    this._job = null
    /** @type {any} */
    this._timer = null
  }

  /**
   * Unless it's in flight or has to wait: a double tap does nothing.
   * @param {Job} job
   */
  async run(job) {
    if (this.phase === 'busy' || this.phase === 'waiting') return
    this._job = job
    this._tell('busy')
    let result
    try {
      result = await repeatedAfterTimeout(job.work)
    } catch (error) {
      if (!this.left) this.fail(asApiError(error), job)
      return
    }
    if (this.left) return
    this._job = null
    this._tell(job.then)
    job.done(result)
  }

  /** What failed and may succeed later, once more. */
  again() {
    if (this._job && this.phase === 'again') this.run(this._job)
  }

  /**
   * Say what went wrong, and offer the next step; only what may be repeated is kept.
   * @param {ApiError} error
   * @param {Job | null} job
   */
  fail(error, job = null) {
    const message = errorWords(error, job ? job.way : undefined)
    this._job = error.retry === 'later' ? job : null
    if (error.retry === 'later') this._wait(Date.now() + error.retryAfter * 1000, message)
    else this._tell(canBegin(error) ? 'ready' : 'stopped', message)
    if (job && job.failed) job.failed(error)
  }

  /** From the beginning. */
  reset() {
    clearTimeout(this._timer)
    this._job = null
    this._tell('ready')
  }

  /** The page or component goes: nothing more is shown, and nothing is kept. */
  leave() {
    this.left = true
    this._job = null
    clearTimeout(this._timer)
  }

  /**
   * By the clock: timers stand still while the mini-program is in the background.
   * @param {number} until
   * @param {string} message
   */
  _wait(until, message) {
    const seconds = Math.ceil((until - Date.now()) / 1000)
    if (seconds <= 0) return this._tell('again', message)
    this._tell('waiting', message, fill(group('button').againIn, { seconds }))
    this._timer = setTimeout(() => this._wait(until, message), 1000)
  }

  /** @param {Phase} phase */
  _tell(phase, message = '', countdown = '') {
    this.phase = phase
    this._show({ phase, message, countdown })
  }
}

/**
 * Whether the citizen can do something about it and begin anew.
 * @param {ApiError} error
 */
function canBegin({ code, retry }) {
  return retry === 'reauthorize' || code === 'consent_required'
}

/**
 * A time-out leaves open what became of the call, and the server takes the same one twice without harm: so ask it again
 * before the citizen is asked for anything.
 * @param {() => Promise<any>} work
 */
async function repeatedAfterTimeout(work) {
  try {
    return await work()
  } catch (error) {
    if (asApiError(error).code !== 'timeout') throw error
    return work()
  }
}

/**
 * @param {any} error
 * @returns {ApiError}
 */
function asApiError(error) {
  return error && error.retry ? error : problem('unforeseen', 'no')
}

/**
 * A failure of the mini-program's own, in the shape of the server's.
 * @param {string} code
 * @param {ApiError['retry']} retry
 * @returns {ApiError}
 */
function problem(code, retry) {
  return { code, retry, retryAfter: 0, status: 0 }
}

module.exports = { Attempt, problem }
