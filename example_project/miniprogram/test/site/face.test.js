/**
 * The road by face: notice → page → POST faces/ → camera → POST faces/<id>/result/ → WeChat (sandbox) → record → service.
 *
 * Of the sandbox it takes `POST /sandbox/faces {"verify_id", "verify_ret"?}`: the citizen is before the camera.
 */

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { app, show, text, until } = require('../support/device')
const { agreed, pickUp, sandbox } = require('../support/site')

const PERSON = { real_name: ' 欧阳 娜\u200b', credential_id: '４40524198001010013' }
const MASKED = ['**娜', '4****************3']
const SUCCESS = ({ success }) => success({ errMsg: 'ok' })
const FAIL = ({ fail }) => fail({ errMsg: 'fail' })
const words = (code) => app('i18n').errorWords({ code }, 'face')

/** The camera: WeChat's verdict, none where the citizen does nothing, and what the phone reports. */
function camera(verify_ret, report = SUCCESS) {
  wx.requestFacialVerify = async (options) => {
    if (verify_ret !== null) await sandbox('faces', { verify_id: options.verifyId, ...(verify_ret && { verify_ret }) })
    report(options)
  }
}

/** The page after the form was sent. */
async function submitted() {
  const page = await agreed()
  app('config').askAgain = [100, 200]
  const face = page.querySelector('.face')
  await until(() => face.querySelector('.person'))
  await until(() => face.data.phase === 'ready')
  face.querySelector('.person').querySelector('.form').dispatchEvent('submit', { detail: { value: PERSON } })
  return { page, face }
}

for (const [what, report] of [['success', SUCCESS], ['fail', FAIL]])
  test(`a citizen who passes opens the service, and withdraws (the phone reports ${what})`, async () => {
    pickUp()
    camera(undefined, report)
    const { page } = await submitted()
    await until(() => page.data.record)
    assert.deepEqual([text(page, '.name'), text(page, '.number')], MASKED)
    assert.equal(page.data.record.method, 'face')
    page.querySelector('.open').dispatchEvent('tap')
    await until(() => page.data.service)
    page.querySelector('.withdraw').dispatchEvent('tap')
    await until(() => !page.data.record)
    await assert.rejects(app('lib/api').get('social-security/'), { code: 'real_name_required', status: 403 })
  })

for (const [verify_ret, report, code] of [
  [10004, SUCCESS, 'mismatch'],
  [90002, FAIL, 'face_cancelled'],
  [90009, FAIL, 'face_unsupported'],
])
  test(`verify_ret ${verify_ret} is ${code}, whatever the phone reports`, async () => {
    pickUp()
    camera(verify_ret, report)
    const { page, face } = await submitted()
    await until(() => text(face, '.alert') === words(code))
    assert.equal(page.data.record, null)
    await assert.rejects(app('lib/api').get('social-security/'), { code: 'real_name_required' })
  })

test('the mini-program is closed before the camera’s end reached it: found again', async () => {
  const { openid } = pickUp()
  let filmed = false
  camera(undefined, () => (filmed = true))
  await submitted()
  await until(() => filmed)
  pickUp({ openid })
  const page = show('pages/index/index')
  page.instance.onShow()
  await until(() => page.data.record)
  assert.equal(text(page, '.name'), MASKED[0])
})

test('WeChat has not finished: asked again, then said', async () => {
  pickUp()
  camera(null)
  const { face } = await submitted()
  await until(() => text(face, '.alert') === words('face_not_finished'))
  assert.ok(face.querySelector('.restart'))
  app('lib/attempt').Attempt.of(face.instance).leave() // ends the countdown
})
