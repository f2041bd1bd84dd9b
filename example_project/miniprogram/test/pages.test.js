const assert = require('node:assert/strict')
const { beforeEach, describe, test } = require('node:test')

const { app, moment, reset, show, text, until } = require('./support/device')
const { NEVER, NOTICE, RECORD, error, serve } = require('./support/server')

const CURRENT = 'realname/verifications/current/'
const SERVICE = 'social-security/'
const NOTICES = 'realname/notices/social-security/'
const FACES = 'realname/faces/'
const CONSENTS = 'realname/consents/'
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

  /** The notice's sheet, answered. */
  async function agree(page) {
    if (!page.data.asking) tap(page, '.begin')
    await until(() => page.querySelector('.notice')?.querySelector('.agree'))
    const sheet = page.querySelector('.notice')
    sheet.querySelector('.agree').dispatchEvent('change', { detail: { value: ['agreed'] } })
    await until(() => sheet.data.ticked)
    tap(sheet, '.submit')
    await until(() => page.data.agreed)
  }
  const NOTICE_IN_FORCE = { [NOTICES]: { status: 200, data: NOTICE } }

  test('logs in, says what will be shared, and asks for consent in a sheet of its own', async () => {
    const { page, requests } = await opened({ [CURRENT]: error(404, 'not_found'), ...NOTICE_IN_FORCE })
    assert.equal(requests[0].path, 'login/')
    const asked = () => page.querySelector('.face').querySelector('.person')
    await until(() => page.querySelector('.face').data.phase === 'ready')
    assert.ok(!asked(), 'no name before consent')
    tap(page, '.begin')
    await until(() => page.querySelector('.notice'))
    assert.ok(!page.querySelector('.face'), 'nothing behind the sheet')
    await agree(page)
    await until(() => asked())
    assert.equal(page.querySelector('.face').data.notice, NOTICE.id)
  })

  test('a citizen who declines has sent nothing, and may read again', async () => {
    const { page, requests } = await opened({ [CURRENT]: error(404, 'not_found'), ...NOTICE_IN_FORCE })
    tap(page, '.begin')
    await until(() => page.querySelector('.notice')?.querySelector('.agree'))
    tap(page.querySelector('.notice'), '.decline')
    await until(() => page.querySelector('.begin'))
    assert.match(text(page, '.alert'), /未收集/)
    assert.ok(requests.every(({ method, path }) => method === 'GET' || path === 'login/'))
  })

  test('without a notice and with nothing to agree to for WeChat, the ways go on', async () => {
    const { page } = await opened({ [CURRENT]: error(404, 'not_found') })
    tap(page, '.begin')
    await until(() => page.data.agreed)
    assert.equal(page.data.notice, '')
    await until(() => page.querySelector('.face').querySelector('.person'))
  })

  test('offers the other ways to who does not want the face, with the same notice', async () => {
    const { page } = await opened({ [CURRENT]: error(404, 'not_found'), ...NOTICE_IN_FORCE })
    let url
    wx.navigateTo = (options) => (url = options.url)
    await agree(page)
    assert.ok(!page.querySelector('.authorization'))
    tap(page.querySelector('.face'), '.other')
    await until(() => page.querySelector('.authorization'))
    assert.match(text(page, '.counter'), /服务窗口/)
    const button = page.querySelector('.authorization')
    await until(() => button.data.phase === 'ready')
    assert.deepEqual([button.data.agreed, button.data.notice], [true, NOTICE.id])
    tap(page, '.check')
    await moment()
    assert.equal(url, `/pages/check/check?agreed=1&notice=${NOTICE.id}`)
  })

  test('offers the other ways at once where the device can’t', async () => {
    wx.checkIsSupportFacialRecognition = ({ fail }) => fail({ errMsg: 'not supported' })
    const { page } = await opened({ [CURRENT]: error(404, 'not_found') })
    await until(() => page.querySelector('.authorization'))
    const button = page.querySelector('.authorization')
    await until(() => button.data.phase === 'ready')
    assert.equal(text(button, '.authorize'), '请先阅读告知书并同意', 'not before consent')
  })

  for (const [what, answer] of [
    ['consent_required', error(403, 'consent_required')],
    ['a notice that was superseded', { status: 400, data: { ...error(400, 'invalid').data, errors: { notice: ['old'] } } }],
  ])
    test(`${what}: the notice is read again, and then the way goes on`, async () => {
      const { page, requests } = await opened({ [CURRENT]: error(404, 'not_found'), ...NOTICE_IN_FORCE, [FACES]: answer })
      const form = () => {
        const face = page.querySelector('.face')
        return face?.data.phase === 'ready' && face.querySelector('.person')?.querySelector('.form')
      }
      await agree(page)
      await until(form)
      form().dispatchEvent('submit', { detail: { value: { real_name: '欧阳娜', credential_id: '440524198001010013' } } })
      await until(() => page.querySelector('.begin'))
      assert.deepEqual([page.data.agreed, page.data.notice, !!form()], [false, '', false])
      assert.match(text(page.querySelector('.face'), '.alert'), /请先阅读并同意/)
      await agree(page)
      await until(form)
      assert.equal(requests.to(FACES).length, 1)
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
    assert.ok(page.querySelector('.begin'))
    assert.match(text(page, '.alert'), /请先完成实名核验/)
  })

  test('a service of another purpose asks for consent, and is opened without a new verification', async () => {
    const { page, requests } = await opened({
      [CURRENT]: { status: 200, data: RECORD },
      [SERVICE]: [error(403, 'consent_required'), { status: 200, data: { insured: '**娜', balance: '1' } }],
      [CONSENTS]: { status: 201, data: {} },
      ...NOTICE_IN_FORCE,
    })
    tap(page, '.open')
    await until(() => page.querySelector('.notice'))
    await agree(page)
    await until(() => page.data.service)
    assert.deepEqual(requests.to(CONSENTS)[0].data, { notice: NOTICE.id })
  })

  test('a service that wants consent and has no notice says so', async () => {
    const { page, requests } = await opened({
      [CURRENT]: { status: 200, data: RECORD },
      [SERVICE]: error(403, 'consent_required'),
    })
    tap(page, '.open')
    await until(() => page.data.agreed && page.data.message)
    assert.equal(text(page, '.alert'), app('i18n').errorWords({ code: 'misconfigured' }))
    assert.equal(requests.to(SERVICE).length, 1)
  })

  describe('withdraws the consent by one button and one confirmation', () => {
    const live = { id: 'consent-2', purpose: 'social-security', withdrawn_at: null }
    const others = [
      { ...live, id: 'consent-1', purpose: 'pension' },
      { ...live, id: 'consent-3', withdrawn_at: '2026-11-01T00:00:00Z' },
    ]
    for (const [what, consents, consent, method, path] of [
      ['the live one of this purpose', [...others, live], 'consent-1', 'POST', 'realname/consents/consent-2/withdraw/'],
      ['the record’s', [], 'consent-4', 'POST', 'realname/consents/consent-4/withdraw/'],
      ['a record without one is erased', [], null, 'DELETE', `realname/verifications/${RECORD.id}/`],
    ])
      test(what, async () => {
        let asked
        wx.showModal = (options) => options.success({ confirm: Boolean((asked = options)) })
        const { page, requests } = await opened({
          [CURRENT]: { status: 200, data: { ...RECORD, consent } },
          [CONSENTS]: { status: 200, data: { next: null, results: consents } },
          [path]: method === 'POST' ? { status: 200, data: {} } : { status: 204, data: '' },
        })
        tap(page, '.withdraw')
        await until(() => !page.data.record)
        for (const words of ['姓名', '身份证号码', '仅为本事项', '事件', '用户标识', '网络地址']) assert.ok(asked.content.includes(words))
        assert.deepEqual(requests.filter(({ method }) => method === 'POST' || method === 'DELETE').slice(1).map((r) => [r.method, r.path]), [[method, path]])
        assert.ok(page.querySelector('.begin'))
      })

    test('unless it is not confirmed', async () => {
      wx.showModal = ({ success }) => success({ confirm: false })
      const { page, requests } = await opened({ [CURRENT]: { status: 200, data: RECORD } })
      const before = requests.length
      tap(page, '.withdraw')
      await moment()
      assert.equal(requests.length, before)
      assert.ok(page.data.record)
    })
  })

  test('leads to who looked at the data', async () => {
    let url
    wx.navigateTo = (options) => (url = options.url)
    const { page } = await opened({ [CURRENT]: { status: 200, data: RECORD } })
    tap(page, '.accesses')
    await moment()
    assert.equal(url, `/pages/accesses/accesses?id=${RECORD.id}`)
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
    assert.ok(!page.querySelector('.face'))
    tap(page, '.again')
    await until(() => page.querySelector('.face'))
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
    const page = show('pages/check/check', undefined, { agreed: '1', notice: 'notice-1' })
    return { page, requests, visits, checks: () => requests.to(CHECKS) }
  }
  const form = (page) => page.querySelector('.person')
  const submit = (page, value = PERSON) =>
    form(page).querySelector('.form').dispatchEvent('submit', { detail: { value } })

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

  test('goes to the city service, and sends code, name, number and notice', async () => {
    const world = opened({ [CHECKS]: CHECKED })
    await agreed(world)
    await until(() => world.page.data.phase === 'done')
    const [{ appId, path }] = world.visits
    assert.deepEqual([appId, path], ['wx308bd2aeb83d3345', 'subPages/city/wxpay-auth/main'])
    assert.deepEqual(world.checks()[0].data, {
      code: 'C1', real_name: '欧阳娜', credential_id: '440524198001010013', notice: 'notice-1',
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

  test('a mismatch is said, and what was typed can be corrected', async () => {
    const world = opened({ [CHECKS]: error(422, 'mismatch', 'reauthorize') })
    await agreed(world)
    await until(() => world.page.data.message)
    assert.match(text(world.page, '.alert'), /不一致/)
    assert.equal(app('lib/attempt').Attempt.of(world.page.instance)._job, null, 'what held the name is let go')
    assert.ok(form(world.page))
  })

  test('after an error that stays, an empty form is offered', async () => {
    const world = opened({ [CHECKS]: error(422, 'no_real_name') })
    await agreed(world)
    await until(() => world.page.data.phase === 'stopped')
    assert.ok(!form(world.page))
    tap(world.page, '.restart')
    await until(() => form(world.page))
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

  test('asks for nothing before the notice was agreed to', async () => {
    const requests = serve({ [NOTICES]: { status: 200, data: NOTICE }, [CHECKS]: CHECKED })
    const page = show('pages/check/check')
    assert.ok(!form(page))
    const sheet = page.querySelector('.notice')
    await until(() => sheet.querySelector('.agree'))
    tap(sheet, '.decline')
    await until(() => page.querySelector('.ask'))
    assert.ok(!form(page))
    tap(page, '.ask')
    page.instance.onAgreed({ detail: { notice: NOTICE.id } })
    await until(() => form(page))
    assert.equal(page.data.notice, NOTICE.id)
    assert.equal(requests.to(CHECKS).length, 0)
  })

  test('consent_required: the notice is read again', async () => {
    const world = opened({ [CHECKS]: error(403, 'consent_required') })
    await agreed(world)
    await until(() => world.page.querySelector('.ask'))
    assert.ok(!form(world.page))
    assert.match(text(world.page, '.alert'), /告知书/)
    world.page.instance.onAgreed({ detail: { notice: NOTICE.id } })
    await until(() => form(world.page))
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

describe('the page of accesses', () => {
  const ACCESSES = 'realname/verifications/r1/accesses/'
  const access = (what, at = '2026-11-01T08:05:00Z') => ({ at, what, by: '社保中心', reason: '业务复核' })
  const page = (results, next = null) => ({ status: 200, data: { next, previous: null, results } })
  const opened = () => show('pages/accesses/accesses', undefined, { id: 'r1' })

  test('says what was done, by which office, and why; earlier ones on demand', async () => {
    const kinds = ['reveal', 'search', 'export', 'copy', 'use']
    const requests = serve({
      [ACCESSES]: page(kinds.map((what) => access(what)), `http://127.0.0.1:8000/api/${ACCESSES}?cursor=cD0x%3D`),
      [`${ACCESSES}?cursor=cD0x%3D`]: page([access('use')]),
    })
    const shown = opened()
    await until(() => shown.data.known)
    const { TABLE } = app('i18n')
    assert.deepEqual(shown.data.rows.map(({ what }) => what), kinds.map((what) => TABLE.accesses[what][0]))
    assert.match(text(shown, '.at'), /^2026-1[01]-\d\d \d\d:05$/)
    assert.match(text(shown, '.by'), /社保中心/)
    assert.match(text(shown, '.reason'), /业务复核/)
    tap(shown, '.more')
    await until(() => shown.data.rows.length === 6)
    assert.equal(requests.at(-1).search, '?cursor=cD0x%3D')
    assert.ok(!shown.querySelector('.more'))
  })

  test('says that nobody looked', async () => {
    serve({ [ACCESSES]: page([]) })
    const shown = opened()
    await until(() => shown.querySelector('.none'))
  })

  test('reauthentication_required and other errors have their words', async () => {
    serve({ [ACCESSES]: error(403, 'reauthentication_required') })
    const shown = opened()
    await until(() => shown.data.message)
    assert.match(text(shown, '.alert'), /重新登录/)
    assert.ok(!shown.querySelector('.none'), 'not known is not nobody')
  })
})
