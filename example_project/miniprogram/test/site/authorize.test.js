/** The whole road: component → API → WeChat (sandbox) → record → service. */

const assert = require('node:assert/strict')
const { beforeEach, test } = require('node:test')

const { app, show, text, until } = require('../support/device')
const { agreed, calls, forget, pickUp, sandbox } = require('../support/site')

const PERSON = { real_name: '欧阳娜', credential_id: '440524198001010013' }
const MASKED = ['**娜', '4****************3']

beforeEach(forget)

const authToken = async (person) => (await sandbox('auth_tokens', { ...PERSON, ...person })).auth_token
const words = (code) => app('i18n').errorWords({ code })

/** The first page, consent given, the button chosen and ready. */
async function consented() {
  const page = await agreed()
  page.querySelector('.face').dispatchEvent('otherway')
  await until(() => page.querySelector('.authorization'))
  const button = page.querySelector('.authorization')
  await until(() => button.data.phase === 'ready' && button.data.agreed)
  return { page, button }
}

function tap(button, auth_token) {
  button.querySelector('.authorize').dispatchEvent('getrealnameauthinfo', { detail: { auth_token, errMsg: 'ok' } })
}

async function verified() {
  const { page, button } = await consented()
  tap(button, await authToken())
  await until(() => page.data.record)
  return page
}

test('a citizen consents, authorizes, sees the masked result, opens the service, and withdraws', async () => {
  pickUp()
  const page = await verified()
  assert.deepEqual([text(page, '.name'), text(page, '.number')], MASKED)
  page.querySelector('.open').dispatchEvent('tap')
  await until(() => page.data.service)
  assert.deepEqual([text(page, '.insured'), text(page, '.balance')], [MASKED[0], '12345.67'])
  assert.equal(await calls('getrealnameinfo'), 1)

  page.querySelector('.withdraw').dispatchEvent('tap')
  await until(() => !page.data.record)
  await assert.rejects(app('lib/api').get('social-security/'), { code: 'real_name_required', status: 403 })
})

test('the button asks in the category that the site is set to', async () => {
  pickUp()
  const { button } = await consented()
  assert.deepEqual(button.data.categoryId, [99, 904])
})

test('a citizen who comes back is known', async () => {
  const { openid } = pickUp()
  await verified()
  pickUp({ openid })
  const page = show('pages/index/index')
  page.instance.onShow()
  await until(() => page.data.record)
  assert.equal(text(page, '.name'), MASKED[0])
})

test('an answer that got lost: the same token again, and WeChat is asked once', async () => {
  let lost = 0
  pickUp({ lose: (url) => url.endsWith('verifications/') && lost++ < 1 })
  const page = await verified()
  assert.equal(text(page, '.name'), MASKED[0])
  assert.equal(lost, 2)
  assert.equal(await calls('getrealnameinfo'), 1)
})

test('a session that the server no longer takes is renewed, unseen', async () => {
  pickUp()
  wx.stored.set('wx_realname.session', { token: 'of another key', expiresAt: Date.now() + 3600000 })
  await verified()
})

for (const [what, person, code, phase] of [
  ['without WeChat Pay', { wechat_pay: false }, 'no_wechat_pay', 'stopped'],
  ['without real-name information', { real_name_info: false }, 'no_real_name', 'stopped'],
  ['while WeChat is busy', { busy: 100 }, 'wechat_busy', 'waiting'],
])
  test(`a citizen ${what} hears: ${code}`, async () => {
    pickUp()
    const { button } = await consented()
    tap(button, await authToken(person))
    await until(() => button.data.phase === phase, 20000)
    assert.equal(text(button, '.alert'), words(code))
    app('lib/attempt').Attempt.of(button.instance).leave() // ends the countdown
  })

test('a token that WeChat refuses, and one of somebody else: authorize anew, and it works', async () => {
  pickUp()
  const { page: before, button: first } = await consented()
  const used = await authToken()
  tap(first, used)
  await until(() => before.data.record)

  pickUp()
  const { page, button } = await consented()
  for (const [auth_token, code] of [['made-up', 'invalid_auth_token'], [used, 'auth_token_in_use']]) {
    tap(button, auth_token)
    await until(() => text(button, '.alert') === words(code))
    await until(() => button.data.phase === 'ready')
  }
  tap(button, await authToken())
  await until(() => page.data.record)
})

test('in English, the server’s words too', async () => {
  pickUp()
  wx.getAppBaseInfo = () => ({ version: '8.0.50', language: 'en' })
  await assert.rejects(app('lib/api').get('social-security/'), {
    detail: 'This service needs your real name. Please verify it first.',
  })
})
