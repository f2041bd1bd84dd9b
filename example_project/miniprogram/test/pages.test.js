const assert = require('node:assert/strict')
const { beforeEach, describe, test } = require('node:test')

const { app, reset, show, text, until } = require('./support/device')
const { NEVER, RECORD, error, serve } = require('./support/server')

const CURRENT = 'realname/verifications/current/'
const SERVICE = 'social-security/'
const tap = (page, selector) => page.querySelector(selector).dispatchEvent('tap')

beforeEach(reset)

describe('the first page', () => {
  async function opened(answers) {
    const requests = serve(answers)
    const page = show('pages/index/index')
    page.instance.onShow()
    await until(() => page.data.phase !== 'busy')
    return { page, requests }
  }

  test('logs in, says what will be shared, and asks for consent', async () => {
    const { page, requests } = await opened({ [CURRENT]: error(404, 'not_found') })
    assert.equal(requests[0].path, 'login/')
    assert.match(text(page, '.consent'), /随时撤回同意/)
    const button = page.querySelector('.authorization')
    await until(() => button.data.phase === 'ready')
    assert.equal(text(button, '.authorize'), '请先阅读并勾选同意')
    page.querySelector('.agree').dispatchEvent('change', { detail: { value: ['agreed'] } })
    await until(() => text(button, '.authorize') === '微信支付实名授权')
    assert.equal(button.data.consent, app('config').consent)
  })

  test('shows a verified citizen the masked values, and opens the service', async () => {
    const service = { service: 'social-security', insured: '**娜', balance: '12345.67' }
    const { page, requests } = await opened({
      [CURRENT]: { status: 200, data: RECORD },
      [SERVICE]: { status: 200, data: service },
    })
    assert.deepEqual([text(page, '.name'), text(page, '.number')], ['**娜', '4****************3'])
    for (let taps = 0; taps < 2; taps += 1) tap(page, '.open')
    await until(() => page.data.service)
    assert.equal(requests.to(SERVICE).length, 1)
    assert.deepEqual([text(page, '.insured'), text(page, '.balance')], ['**娜', '12345.67'])
  })

  test('a service that wants the real name again leads back to consent', async () => {
    const { page } = await opened({
      [CURRENT]: { status: 200, data: RECORD },
      [SERVICE]: error(403, 'real_name_required'),
    })
    tap(page, '.open')
    await until(() => !page.data.record)
    assert.ok(page.querySelector('.authorization'))
    assert.match(text(page, '.alert'), /请先完成实名授权/)
  })

  test('withdraws consent', async () => {
    const { page, requests } = await opened({
      [CURRENT]: { status: 200, data: RECORD },
      [`realname/verifications/${RECORD.id}/`]: { status: 204, data: '' },
    })
    tap(page, '.withdraw')
    await until(() => !page.data.record)
    assert.equal(requests.at(-2).method, 'DELETE') // the last one asks for the button's category
  })

  test('a look that began before the citizen was verified takes nothing away', async () => {
    const { page } = await opened({ [CURRENT]: error(404, 'not_found') })
    page.instance.onShow()
    page.instance.onVerified({ detail: RECORD })
    await until(() => page.data.phase === 'ready')
    assert.deepEqual(page.data.record, RECORD)
  })

  test('offers to try again where there is no network', async () => {
    const { page } = await opened({ [CURRENT]: [{ fail: 'request:fail' }, error(404, 'not_found')] })
    assert.ok(!page.querySelector('.authorization'))
    tap(page, '.again')
    await until(() => page.querySelector('.authorization'))
  })
})

// The server's side of checks/ is played by a stub here: these are tests of the page alone.
describe('the page of name and number', () => {
  const PERSON = { real_name: ' 欧阳娜 ', credential_id: '440524198001010013' }
  const CHECKS = 'realname/checks/'
  const CHECKED = { status: 201, data: { ...RECORD, method: 'check' } }

  function opened(answers) {
    const visits = []
    wx.navigateToMiniProgram = (options) => visits.push(options)
    const requests = serve(answers)
    const page = show('pages/check/check')
    return { page, requests, visits, checks: () => requests.to(CHECKS) }
  }
  const submit = (page, value = PERSON) =>
    page.querySelector('.person').dispatchEvent('submit', { detail: { value } })

  let launched
  /** App.onShow, as WeChat calls it on the way back. */
  function comeBack(extraData, appId = 'wx308bd2aeb83d3345') {
    globalThis.App = (definition) => (launched = definition)
    app('app')
    launched.onShow({ scene: 1038, referrerInfo: { appId, extraData } })
  }

  async function agreed(world, code = 'C1') {
    const before = world.visits.length
    submit(world.page)
    await until(() => world.visits.length > before)
    comeBack({ code })
  }

  test('goes to the city service, and sends code, name, number and consent', async () => {
    const world = opened({ [CHECKS]: CHECKED })
    await agreed(world)
    await until(() => world.page.data.phase === 'done')
    const [{ appId, path }] = world.visits
    assert.deepEqual([appId, path], ['wx308bd2aeb83d3345', 'subPages/city/wxpay-auth/main'])
    assert.deepEqual(world.checks()[0].data, {
      code: 'C1', real_name: '欧阳娜', credential_id: '440524198001010013', consent: app('config').consent,
    })
    assert.equal(text(world.page, '.name'), '**娜')
  })

  test('keeps name and number nowhere: not in data, not in storage, not in the form afterwards', async () => {
    const world = opened({ [CHECKS]: [error(503, 'wechat_busy', 'later'), CHECKED] })
    await agreed(world)
    for (const phase of ['again', 'done']) {
      await until(() => world.page.data.phase === phase)
      const seen = JSON.stringify([world.page.data, [...wx.stored]])
      assert.ok(!seen.includes('欧阳娜') && !seen.includes('440524198001010013') && !seen.includes('C1'))
      assert.ok(!world.page.querySelector('.person'))
      if (phase === 'again') tap(world.page, '.again')
    }
  })

  test('repeats with the same code, and goes nowhere for it', async () => {
    const world = opened({ [CHECKS]: [{ fail: 'request:fail timeout' }, error(503, 'wechat_busy', 'later'), CHECKED] })
    await agreed(world)
    await until(() => world.page.data.phase === 'again')
    tap(world.page, '.again')
    await until(() => world.page.data.phase === 'done')
    assert.deepEqual(world.checks().map(({ data }) => data.code), ['C1', 'C1', 'C1'])
    assert.equal(world.visits.length, 1)
  })

  test('a refused code is asked for anew', async () => {
    const world = opened({ [CHECKS]: [error(422, 'invalid_code', 'reauthorize'), CHECKED] })
    await agreed(world, 'C1')
    await until(() => world.page.data.message)
    await agreed(world, 'C2')
    await until(() => world.page.data.phase === 'done')
    assert.deepEqual(world.checks().map(({ data }) => data.code), ['C1', 'C2'])
  })

  test('a mismatch is said, and an empty form offered', async () => {
    const world = opened({ [CHECKS]: error(422, 'mismatch') })
    await agreed(world)
    await until(() => world.page.data.phase === 'stopped')
    assert.match(text(world.page, '.alert'), /不一致/)
    assert.equal(app('lib/attempt').Attempt.of(world.page.instance)._job, null, 'what held the name is let go')
    tap(world.page, '.restart')
    await until(() => world.page.querySelector('.person'))
    assert.equal(world.page.data.message, '')
  })

  test('a citizen who comes back without agreeing has sent nothing', async () => {
    const world = opened({})
    submit(world.page)
    await until(() => world.visits.length)
    comeBack({ code: 'C1' }, 'wx0000000000000000')
    await until(() => world.page.data.message)
    assert.match(text(world.page, '.alert'), /没有同意授权/)
    assert.equal(world.requests.length, 0)
    assert.ok(world.page.querySelector('.person'), 'what was typed is still there')
  })

  test('a double tap goes there once', async () => {
    const world = opened({ [CHECKS]: NEVER })
    submit(world.page)
    submit(world.page)
    await until(() => world.page.data.phase === 'busy')
    assert.equal(world.visits.length, 1)
  })

  for (const [value, word] of [
    [{ ...PERSON, real_name: ' ' }, 'badName'],
    [{ ...PERSON, credential_id: '440524198002300013' }, 'badNumber'],
  ])
    test(`says at once: ${word}`, async () => {
      const world = opened({})
      submit(world.page, value)
      await until(() => world.page.data.hint)
      assert.equal(text(world.page, '.hint'), world.page.data.t[word])
      assert.equal(world.visits.length, 0)
    })

  test('a check digit that does not hold is doubted once, and again after a change', async () => {
    const world = opened({})
    const wrong = { ...PERSON, credential_id: '440524198001010014' }
    submit(world.page, wrong)
    await until(() => world.page.data.hint === world.page.data.t.checkDigit)
    world.page.querySelector('.typed-number').dispatchEvent('input', { detail: { value: '' } })
    await until(() => !world.page.data.hint)
    submit(world.page, wrong)
    await until(() => world.page.data.hint)
    assert.equal(world.visits.length, 0)
    submit(world.page, wrong)
    await until(() => world.visits.length)
  })

  test('a page that is left lets go of name and number', async () => {
    const world = opened({})
    submit(world.page)
    await until(() => world.visits.length)
    world.page.instance.onUnload()
    comeBack({ code: 'C1' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(world.requests.length, 0)
  })
})
