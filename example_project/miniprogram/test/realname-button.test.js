const assert = require('node:assert/strict')
const { beforeEach, describe, test } = require('node:test')

const { app, reset, show, text, until } = require('./support/device')
const { CODES } = require('./support/codes')
const { NEVER, RECORD, error, serve } = require('./support/server')

const POSTS = 'realname/verifications/'
const CREATED = { status: 201, data: RECORD }

beforeEach(reset)

/** The button, once the category is there. */
async function ready(answers, properties = {}) {
  const requests = serve(answers)
  const button = show('components/realname-button/realname-button', {
    agreed: true,
    notice: 'notice-1',
    ...properties,
  })
  await until(() => button.data.phase === 'ready')
  return { button, requests, posts: () => requests.to(POSTS) }
}

/** The citizen taps, and WeChat says this. */
function authorize(button, detail = { auth_token: 'token-1', errMsg: 'ok' }, event = 'getrealnameauthinfo') {
  button.querySelector('.authorize').dispatchEvent(event, { detail })
}

const phase = (button, wanted) => until(() => button.data.phase === wanted)
const moment = () => new Promise((resolve) => setTimeout(resolve, 50))
const words = (code) => app('i18n').errorWords({ code })

describe('a citizen who agrees', () => {
  for (const event of ['getrealnameauthinfo', 'getRealnameAuthInfo'])
    test(`is verified, by the event ${event}`, async () => {
      const { button, posts } = await ready({ [POSTS]: CREATED })
      authorize(button, undefined, event)
      await phase(button, 'done')
      assert.deepEqual(posts()[0].data, { auth_token: 'token-1', notice: 'notice-1' })
      assert.equal(posts()[0].header.Authorization, 'Bearer session-1')
      assert.deepEqual(button.events, [{ type: 'verified', detail: RECORD }])
      assert.equal(text(button, '.done'), '已完成实名授权')
    })

  test('is asked in the category that the server names', async () => {
    const { button, requests } = await ready({}, { merchant: 'hospital' })
    assert.deepEqual(button.data.categoryId, [99, 904])
    assert.deepEqual(requests.to('realname/categories/').map(({ search }) => search), ['?merchant=hospital'])
  })

  test('sends the merchant where a server has several', async () => {
    const { button, posts } = await ready({ [POSTS]: CREATED }, { merchant: 'hospital' })
    authorize(button)
    await phase(button, 'done')
    assert.equal(posts()[0].data.merchant, 'hospital')
  })

  test('sends no notice where the service has none', async () => {
    const { button, posts } = await ready({ [POSTS]: CREATED }, { notice: '' })
    authorize(button)
    await phase(button, 'done')
    assert.deepEqual(posts()[0].data, { auth_token: 'token-1' })
  })

  test('finds the auth_token nowhere in what the page sees', async () => {
    const { button } = await ready({ [POSTS]: [error(503, 'wechat_busy', 'later'), CREATED] })
    authorize(button)
    await phase(button, 'again')
    assert.ok(!JSON.stringify([button.data, button.events, [...wx.stored]]).includes('token-1'))
  })
})

describe('a double tap does nothing', () => {
  test('in flight', async () => {
    const { button, posts } = await ready({ [POSTS]: CREATED })
    const tapped = button.querySelector('.authorize')
    for (const auth_token of ['token-1', 'token-1', 'token-2'])
      tapped.dispatchEvent('getrealnameauthinfo', { detail: { auth_token } })
    await phase(button, 'done')
    await moment()
    assert.deepEqual(posts().map(({ data }) => data.auth_token), ['token-1'])
    assert.equal(button.events.length, 1)
  })

  test('when both spellings of the event come', async () => {
    const { button, posts } = await ready({ [POSTS]: CREATED })
    const tapped = button.querySelector('.authorize')
    for (const event of ['getrealnameauthinfo', 'getRealnameAuthInfo'])
      tapped.dispatchEvent(event, { detail: { auth_token: 'token-1' } })
    await phase(button, 'done')
    await moment()
    assert.equal(posts().length, 1)
  })

  test('that comes late, when the first is over', async () => {
    const { button, posts } = await ready({ [POSTS]: CREATED })
    authorize(button)
    await phase(button, 'done')
    button.instance.onAuthInfo({ detail: { auth_token: 'token-2' } })
    await moment()
    assert.equal(posts().length, 1)
    assert.equal(button.data.phase, 'done')
  })

  test('on “try again”', async () => {
    const { button, posts } = await ready({ [POSTS]: [error(503, 'wechat_busy', 'later'), CREATED] })
    authorize(button)
    await phase(button, 'again')
    const again = button.querySelector('.again')
    again.dispatchEvent('tap')
    again.dispatchEvent('tap')
    await phase(button, 'done')
    await moment()
    assert.equal(posts().length, 2)
  })
})

describe('a citizen who does not agree', () => {
  test('to the wording can’t authorize', async () => {
    const { button, posts } = await ready({}, { agreed: false })
    assert.equal(text(button, '.authorize'), '请先阅读告知书并同意')
    authorize(button)
    await moment()
    assert.equal(posts().length, 0)
  })

  for (const [errMsg, code] of [
    ['getRealnameAuthInfo:fail auth deny', 'refused'],
    ['getRealnameAuthInfo:fail cancel', 'refused'],
    [undefined, 'refused'],
    ['getRealnameAuthInfo:fail invalid category', 'not_opened'],
  ])
    test(`in WeChat (${errMsg}) hears “${code}” and may tap again`, async () => {
      const { button, posts } = await ready({ [POSTS]: CREATED })
      authorize(button, { errMsg })
      await until(() => button.data.message)
      assert.equal(text(button, '.alert'), words(code))
      assert.equal(button.events[0].detail.code, code)
      authorize(button)
      await phase(button, 'done')
      assert.equal(posts().length, 1)
    })
})

describe('every error of the server has its words and its next step', () => {
  const NEXT = { later: 'again', reauthorize: 'ready', no: 'stopped' }
  for (const { code, status, retry } of CODES)
    test(`${code}: ${retry}`, async () => {
      const { button } = await ready({ [POSTS]: error(status, code, retry) })
      authorize(button)
      await until(() => button.events.length)
      const next = code === 'consent_required' ? 'ready' : NEXT[retry]
      assert.equal(button.data.phase, next)
      for (const language of [0, 1]) assert.ok(app('i18n').TABLE.error[code]?.[language], `no words: ${code}`)
      assert.equal(text(button, '.alert'), words(code))
      assert.equal(!!button.querySelector('.authorize'), next === 'ready')
      assert.equal(!!button.querySelector('.again'), retry === 'later')
      assert.equal(button.events.length, 1)
      assert.deepEqual(
        [button.events[0].type, button.events[0].detail.code, button.events[0].detail.retry],
        ['failed', code, retry],
      )
    })

  test('a code that came after this mini-program: the server’s words', async () => {
    const { button } = await ready({ [POSTS]: error(503, 'brand_new', 'no') })
    authorize(button)
    await phase(button, 'stopped')
    assert.equal(text(button, '.alert'), "the server's words for brand_new")
  })

  test('in English on an English device', async () => {
    wx.getAppBaseInfo = () => ({ version: '8.0.50', language: 'en' })
    const { button, posts } = await ready({ [POSTS]: error(422, 'no_wechat_pay') })
    assert.equal(text(button, '.authorize'), 'Authorize with WeChat Pay')
    authorize(button)
    await phase(button, 'stopped')
    assert.match(text(button, '.alert'), /^You have no WeChat Pay account/)
    assert.equal(posts()[0].header['Accept-Language'], 'en')
  })

  test('a record that was erased meanwhile is authorized anew', async () => {
    const erased = { ...RECORD, status: 'erased', real_name: null, credential_id: null }
    const { button } = await ready({ [POSTS]: { status: 200, data: erased } })
    authorize(button)
    await phase(button, 'ready')
    await until(() => button.events.length)
    assert.equal(button.events[0].detail.code, 'erased')
  })
})

describe('later', () => {
  test('counts Retry-After down, then posts the same token again', async () => {
    const busy = error(503, 'wechat_busy', 'later', { 'retry-after': '2' })
    const { button, posts } = await ready({ [POSTS]: [busy, CREATED] })
    authorize(button)
    await phase(button, 'waiting')
    assert.equal(text(button, '.again'), '2 秒后可再试')
    button.querySelector('.again').dispatchEvent('tap')
    await until(() => text(button, '.again') === '1 秒后可再试')
    await phase(button, 'again')
    assert.equal(posts().length, 1)
    button.querySelector('.again').dispatchEvent('tap')
    await phase(button, 'done')
    assert.deepEqual(posts().map(({ data }) => data.auth_token), ['token-1', 'token-1'])
  })

  test('asks the citizen anew only when the server says so, with the new token', async () => {
    const gone = error(422, 'invalid_auth_token', 'reauthorize')
    const { button, posts } = await ready({ [POSTS]: [gone, CREATED] })
    authorize(button)
    await until(() => button.data.message)
    authorize(button, { auth_token: 'token-2' })
    await phase(button, 'done')
    assert.deepEqual(posts().map(({ data }) => data.auth_token), ['token-1', 'token-2'])
  })

  test('an answer that comes after the page is gone tells nobody', async () => {
    const { button, posts } = await ready({ [POSTS]: { ...CREATED, after: 40 } })
    authorize(button)
    await until(() => posts().length)
    button.detach()
    await new Promise((resolve) => setTimeout(resolve, 80))
    assert.deepEqual([button.events, button.data.phase], [[], 'busy'])
  })

  test('ends with the page', async () => {
    const { button, posts } = await ready({ [POSTS]: error(429, 'throttled', 'later', { 'Retry-After': '60' }) })
    authorize(button)
    await phase(button, 'waiting')
    button.detach()
    assert.equal(posts().length, 1) // and no timer keeps this test alive
  })
})

describe('the network', () => {
  test('after a time-out the same token is posted again, and nobody is asked', async () => {
    const { button, posts } = await ready({ [POSTS]: [{ fail: 'request:fail timeout' }, { ...CREATED, status: 200 }] })
    authorize(button)
    await phase(button, 'done')
    assert.deepEqual(posts().map(({ data }) => data.auth_token), ['token-1', 'token-1'])
  })

  test('after two time-outs the citizen may try the same token', async () => {
    const { button, posts } = await ready({
      [POSTS]: [{ fail: 'request:fail timeout' }, { fail: 'request:fail timeout' }, CREATED],
    })
    authorize(button)
    await phase(button, 'again')
    assert.equal(text(button, '.alert'), words('timeout'))
    button.querySelector('.again').dispatchEvent('tap')
    await phase(button, 'done')
    assert.deepEqual(posts().map(({ data }) => data.auth_token), ['token-1', 'token-1', 'token-1'])
  })

  for (const [answer, code] of [
    [{ fail: 'request:fail net::ERR_INTERNET_DISCONNECTED' }, 'network'],
    [{ status: 502, data: '<html>Bad Gateway</html>' }, 'bad_answer'],
    [{ status: 200, data: 'null' }, 'bad_answer'],
    [{ status: 500, data: { message: 'not ours' } }, 'bad_answer'],
  ])
    test(`${JSON.stringify(answer)}: “${code}”, and the same token again`, async () => {
      const { button, posts } = await ready({ [POSTS]: [answer, CREATED] })
      authorize(button)
      await phase(button, 'again')
      assert.equal(text(button, '.alert'), words(code))
      button.querySelector('.again').dispatchEvent('tap')
      await phase(button, 'done')
      assert.equal(posts()[1].data.auth_token, 'token-1')
    })

  test('that is slow shows that something is under way', async () => {
    const { button } = await ready({ [POSTS]: NEVER })
    authorize(button)
    await phase(button, 'busy')
    assert.equal(text(button, '.busy'), '正在办理')
  })
})

describe('before the citizen taps', () => {
  const shown = () => show('components/realname-button/realname-button', { agreed: true })

  for (const [version, canIUse] of [
    ['6.5.21', true],
    ['6.5.9', true],
    ['6.4.100', true],
    ['8.0.50', false],
  ])
    test(`WeChat ${version}, canIUse ${canIUse}: please update`, async () => {
      Object.assign(wx, { getAppBaseInfo: () => ({ version, language: 'zh_CN' }), canIUse: () => canIUse })
      const requests = serve()
      const button = shown()
      assert.equal(button.data.phase, 'stopped')
      assert.equal(text(button, '.alert'), words('old_wechat'))
      assert.equal(requests.length, 0)
    })

  for (const version of ['6.5.22', '6.5.100', '6.6', '10.0.1'])
    test(`WeChat ${version} will do, also one that has no getAppBaseInfo`, async () => {
      Object.assign(wx, { getAppBaseInfo: undefined, getSystemInfoSync: () => ({ version, language: 'zh_CN' }) })
      serve()
      await phase(shown(), 'ready')
    })

  test('a server without a category says whom to ask', async () => {
    serve({ 'realname/categories/': { status: 200, data: { categories: [], category_id: null } } })
    const button = shown()
    await phase(button, 'stopped')
    assert.equal(text(button, '.alert'), words('no_category'))
  })

  test('categories that can’t be had now are fetched again', async () => {
    const ok = { status: 200, data: { category_id: [99, 904] } }
    serve({ 'realname/categories/': [error(503, 'wechat_busy', 'later'), ok] })
    const button = shown()
    await phase(button, 'again')
    button.querySelector('.again').dispatchEvent('tap')
    await phase(button, 'ready')
  })
})
