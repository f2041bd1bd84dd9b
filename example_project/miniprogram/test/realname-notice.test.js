const assert = require('node:assert/strict')
const { beforeEach, describe, test } = require('node:test')

const { app, moment, reset, show, text, until } = require('./support/device')
const { NOTICE, error, serve } = require('./support/server')

const NOTICES = 'realname/notices/social-security/'
const IN_FORCE = { [NOTICES]: { status: 200, data: NOTICE } }
const CONTRACT = '《社会保障小程序隐私保护指引》'

beforeEach(reset)

/** The sheet, once it knows what to ask. */
async function shown(answers = IN_FORCE) {
  const requests = serve(answers)
  const sheet = show('components/realname-notice/realname-notice', { purpose: 'social-security' })
  await until(() => sheet.data.phase !== 'busy')
  return { sheet, requests }
}

/** An event, and what follows from it. */
function dispatch(sheet, selector, ...event) {
  sheet.querySelector(selector).dispatchEvent(...event)
  return moment()
}
const tick = (sheet, value) => dispatch(sheet, '.agree', 'change', { detail: { value } })
const tap = (sheet, selector) => dispatch(sheet, selector, 'tap')
const privacy = (needAuthorization, privacyContractName = CONTRACT) => {
  wx.getPrivacySetting = ({ success }) => success({ needAuthorization, privacyContractName })
}

describe('the notice', () => {
  test('is shown whole: title, text, handler, recipients, days', async () => {
    const { sheet } = await shown()
    assert.equal(text(sheet, '.title'), NOTICE.title)
    assert.equal(text(sheet, '.text'), NOTICE.text)
    assert.deepEqual(
      ['.handler', '.recipients', '.days'].map((part) => text(sheet, part)),
      [NOTICE.handler, NOTICE.recipients, '365 天'],
    )
  })

  test('names no days and no recipients where it has none', async () => {
    const { sheet } = await shown({ [NOTICES]: { status: 200, data: { ...NOTICE, recipients: '', retention_days: null } } })
    assert.ok(!sheet.querySelector('.days') && !sheet.querySelector('.recipients'))
  })

  test('has a box that is not ticked, and without it no consent', async () => {
    const { sheet } = await shown()
    assert.equal(sheet.data.ticked, false)
    await tap(sheet, '.submit')
    assert.deepEqual(sheet.events, [])
    await tick(sheet, ['agreed'])
    await tick(sheet, [])
    await tap(sheet, '.submit')
    assert.deepEqual(sheet.events, [])
  })

  test('is agreed to by its id', async () => {
    const { sheet } = await shown()
    await tick(sheet, ['agreed'])
    await tap(sheet, '.submit')
    assert.deepEqual(sheet.events, [{ type: 'agreed', detail: { notice: NOTICE.id } }])
  })

  test('may be declined, ticked or not', async () => {
    const { sheet } = await shown()
    await tick(sheet, ['agreed'])
    await tap(sheet, '.decline')
    assert.deepEqual(sheet.events.map(({ type }) => type), ['declined'])
  })

  test('comes in the device’s language', async () => {
    wx.getAppBaseInfo = () => ({ version: '8.0.57', SDKVersion: '3.8.12', language: 'en' })
    const { sheet, requests } = await shown()
    assert.equal(requests.to(NOTICES)[0].header['Accept-Language'], 'en')
    assert.equal(text(sheet, '.submit'), 'Agree and continue')
  })

  test('that is not configured: goes on without', async () => {
    const { sheet } = await shown({})
    assert.deepEqual(sheet.events, [{ type: 'agreed', detail: { notice: '' } }])
  })

  for (const answer of [error(503, 'throttled', 'later'), { fail: 'request:fail' }, { status: 404, data: '<html>gateway</html>' }])
    test(`that can’t be had now (${answer.fail ?? answer.status}) is no consent, and is asked for again`, async () => {
      const { sheet } = await shown({ [NOTICES]: [answer, IN_FORCE[NOTICES]] })
      assert.deepEqual(sheet.events, [])
      assert.ok(!sheet.querySelector('.submit'))
      await tap(sheet, '.again')
      await until(() => sheet.querySelector('.submit'))
    })
})

describe('WeChat’s privacy agreement', () => {
  const agreement = (sheet) => dispatch(sheet, '.submit', 'agreeprivacyauthorization')

  test('that is open is agreed to by WeChat’s own button, with the notice', async () => {
    privacy(true)
    const { sheet } = await shown()
    assert.equal(text(sheet, '.privacy'), CONTRACT)
    await agreement(sheet)
    assert.deepEqual(sheet.events, [], 'not before the box is ticked')
    await tick(sheet, ['agreed'])
    await tap(sheet, '.submit')
    assert.deepEqual(sheet.events, [], 'a tap alone is not WeChat’s word')
    await agreement(sheet)
    assert.deepEqual(sheet.events, [{ type: 'agreed', detail: { notice: NOTICE.id } }])
  })

  test('that is open is asked for where the service has no notice', async () => {
    privacy(true)
    const { sheet } = await shown({})
    assert.deepEqual(sheet.events, [])
    assert.equal(text(sheet, '.title'), '个人信息保护')
    await tick(sheet, ['agreed'])
    await agreement(sheet)
    assert.deepEqual(sheet.events, [{ type: 'agreed', detail: { notice: '' } }])
  })

  test('can be read, and a document that does not open is said', async () => {
    privacy(true)
    const { sheet } = await shown()
    let opened = 0
    wx.openPrivacyContract = () => (opened += 1)
    await tap(sheet, '.privacy')
    assert.equal(opened, 1)
    wx.openPrivacyContract = ({ fail }) => fail({ errMsg: 'fail' })
    await tap(sheet, '.privacy')
    await until(() => text(sheet, '.alert') === app('i18n').group('notice').notOpened)
  })

  test('that was given before is not asked for again', async () => {
    privacy(false)
    const { sheet } = await shown()
    await tick(sheet, ['agreed'])
    await tap(sheet, '.submit')
    assert.equal(sheet.events.length, 1)
  })

  test('whose state is not known is asked for', async () => {
    wx.getPrivacySetting = ({ fail }) => fail({ errMsg: 'fail' })
    const { sheet } = await shown({})
    assert.deepEqual(sheet.events, [])
    assert.ok(sheet.querySelector('.privacy'))
  })

  test('is no matter where WeChat has none', async () => {
    wx.canIUse = (what) => what !== 'getPrivacySetting'
    delete wx.getPrivacySetting
    const { sheet } = await shown({})
    assert.equal(sheet.events.length, 1)
  })
})
