const assert = require('node:assert/strict')
const { beforeEach, test } = require('node:test')

const { app, reset } = require('./support/device')
const { error, serve } = require('./support/server')

const OK = { status: 200, data: { fine: true } }
const UNAUTHORIZED = error(401, 'not_authenticated')
const login = (token, expires_at = '2099-01-01T00:00:00Z') => ({ status: 200, data: { token, expires_at } })

beforeEach(reset)

test('many calls at once log in once', async () => {
  const requests = serve({ 'a/': OK })
  const { get } = app('lib/api')
  await Promise.all([get('a/'), get('a/'), get('a/')])
  assert.equal(requests.to('login/').length, 1)
  assert.deepEqual(requests.to('login/')[0].data, { code: 'login-code' })
  assert.equal(requests.to('login/')[0].header.Authorization, undefined)
  assert.equal(requests.to('a/')[2].header.Authorization, 'Bearer session-1')
})

test('a token is kept until it ends', async () => {
  const almostOver = new Date(Date.now() + 30000).toISOString()
  const requests = serve({ 'login/': [login('one', almostOver), login('two')], 'a/': OK })
  const { get } = app('lib/api')
  for (let i = 0; i < 3; i += 1) await get('a/')
  const sent = requests.to('a/').map(({ header }) => header.Authorization)
  assert.deepEqual(sent, ['Bearer one', 'Bearer two', 'Bearer two'])
})

for (const expires_at of [undefined, 'soon'])
  test(`five calls log in once where the login says no time (${expires_at}), and again when the token is refused`, async () => {
    const answer = (token) => ({ status: 200, data: { token, expires_at } })
    const requests = serve({ 'login/': [answer('one'), answer('two')], 'a/': [OK, OK, OK, OK, OK, UNAUTHORIZED, OK] })
    const { get } = app('lib/api')
    for (let i = 0; i < 5; i += 1) await get('a/')
    assert.equal(requests.to('login/').length, 1)
    await get('a/')
    assert.equal(requests.to('login/').length, 2)
  })

test('five calls log in once', async () => {
  const requests = serve({ 'a/': OK })
  const { get } = app('lib/api')
  for (let i = 0; i < 5; i += 1) await get('a/')
  assert.equal(requests.to('login/').length, 1)
})

test('a token outlives the mini-program', async () => {
  serve({ 'a/': OK })
  await app('lib/api').get('a/')
  const stored = wx.stored
  reset()
  wx.getStorageSync = (key) => stored.get(key)
  const requests = serve({ 'a/': OK })
  await app('lib/api').get('a/')
  assert.deepEqual(requests.map(({ path }) => path), ['a/'])
})

test('401: logs in again, once, and the calls that came together share it', async () => {
  const requests = serve({ 'login/': [login('old'), login('new')], 'a/': [UNAUTHORIZED, UNAUTHORIZED, OK] })
  const { get } = app('lib/api')
  await Promise.all([get('a/'), get('a/')])
  assert.equal(requests.to('login/').length, 2)
  assert.equal(requests.to('a/').at(-1).header.Authorization, 'Bearer new')
})

test('401 that comes late, of the token before, leaves the new one alone', async () => {
  const late = { ...UNAUTHORIZED, after: 60 }
  const requests = serve({ 'login/': [login('old'), login('new')], 'a/': [late, OK], 'b/': [UNAUTHORIZED, OK] })
  const { get } = app('lib/api')
  await Promise.all([get('a/'), get('b/')])
  assert.equal(requests.to('login/').length, 2)
})

test('401 again after a new login is an error', async () => {
  const requests = serve({ 'a/': UNAUTHORIZED })
  await assert.rejects(app('lib/api').get('a/'), { code: 'not_authenticated', retry: 'no', status: 401 })
  assert.equal(requests.to('a/').length, 2)
})

test('a failed login is told, and tried again by the next call', async () => {
  serve({ 'login/': [error(422, 'invalid_code', 'reauthorize'), login('one')], 'a/': OK })
  const { get } = app('lib/api')
  await assert.rejects(get('a/'), { code: 'invalid_code', retry: 'later' })
  assert.deepEqual(await get('a/'), { fine: true })
})

test('a wx.login that fails is told', async () => {
  serve()
  wx.login = ({ fail }) => fail({ errMsg: 'login:fail' })
  await assert.rejects(app('lib/api').get('a/'), { code: 'login_failed', retry: 'later', status: 0 })
})

test('an error of our own in the login is no answer, and is not told to be tried later', async () => {
  serve()
  wx.login = () => {
    throw new TypeError('planted')
  }
  await assert.rejects(app('lib/api').get('a/'), TypeError)
})

test('a login counts though the storage fails', async () => {
  const requests = serve({ 'a/': OK })
  wx.setStorage = () => {
    throw new Error('full')
  }
  const { get } = app('lib/api')
  await get('a/')
  assert.deepEqual(await get('a/'), { fine: true })
  assert.equal(requests.to('login/').length, 1)
})

test('an error is an object, with the seconds of Retry-After', async () => {
  serve({ 'a/': error(429, 'throttled', 'later', { 'RETRY-AFTER': '17' }) })
  await assert.rejects(app('lib/api').post('a/', {}), {
    code: 'throttled', retry: 'later', retryAfter: 17, status: 429, verification: null, wechat: null,
  })
})

for (const [value, seconds] of [['-5', 0], ['soon', 0], ['999999', 3600]])
  test(`Retry-After: ${value} is ${seconds} s`, async () => {
    serve({ 'a/': error(503, 'wechat_busy', 'later', { 'Retry-After': value }) })
    await assert.rejects(app('lib/api').get('a/'), { retryAfter: seconds })
  })

test('204 is a success', async () => {
  const requests = serve({ 'a/': { status: 204, data: '' } })
  await app('lib/api').remove('a/')
  assert.equal(requests.to('a/')[0].method, 'DELETE')
})
