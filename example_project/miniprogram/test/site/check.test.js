/**
 * The successor's road: page → city service → POST checks/ → WeChat (sandbox) → record → service.
 *
 * Of the sandbox it takes `POST /sandbox/check_codes {"openid", "real_name", "credential_id"}` → `{"code"}`: this citizen,
 * whose WeChat Pay account has this name and number, agrees in the city service.
 */

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { app, show, text, until } = require('../support/device')
const { agree, pickUp, sandbox } = require('../support/site')

const PERSON = { real_name: '欧阳娜', credential_id: '440524198001010013' }

/** The page, its form sent, and the citizen back from the city service. */
async function checked(openid, typed, wrap = (code) => code) {
  const { code } = await sandbox('check_codes', { openid, ...PERSON })
  let returns
  globalThis.App = ({ onShow }) => (returns = onShow)
  app('app')
  wx.navigateToMiniProgram = ({ appId }) =>
    setTimeout(() => returns({ scene: 1038, referrerInfo: { appId, extraData: { code: wrap(code) } } }))
  const page = show('pages/check/check')
  await agree(page)
  await until(() => page.querySelector('.person'))
  page.querySelector('.person').querySelector('.form').dispatchEvent('submit', { detail: { value: typed } })
  await until(() => ['done', 'stopped'].includes(page.data.phase) || page.data.message)
  return page
}

for (const [what, wrap] of [['code', (code) => code], ['code.auth_code', (code) => ({ auth_code: code })]])
  test(`a citizen whose name and number match opens the service (extraData.${what})`, async () => {
    const { openid } = pickUp()
    const page = await checked(openid, PERSON, wrap)
    assert.equal(page.data.phase, 'done', page.data.message)
    assert.deepEqual([text(page, '.name'), text(page, '.number')], ['**娜', '4****************3'])
    const service = await app('lib/api').get('social-security/')
    assert.equal(service.insured, '**娜')
  })

test('a name that does not match is said', async () => {
  const { openid } = pickUp()
  const page = await checked(openid, { ...PERSON, real_name: '欧阳锋' })
  assert.equal(page.data.phase, 'ready')
  assert.ok(page.querySelector('.person'), 'what was typed can be corrected')
  assert.equal(text(page, '.alert'), app('i18n').errorWords({ code: 'mismatch' }))
})
