const assert = require('node:assert/strict')
const { beforeEach, describe, test } = require('node:test')

const { app, moment, reset, show, text, until } = require('./support/device')
const { NEVER, NOTHING, RECORD, WAITING, error, serve } = require('./support/server')

const FACES = 'realname/faces/'
const RESULT = `${FACES}${RECORD.id}/result/`
const OWN = `realname/verifications/${RECORD.id}/`
const PERSON = { real_name: ' 欧阳•娜 ', credential_id: '440524198001010013' }
const FACE = { ...RECORD, method: 'face' }
const VERIFY_ID = 'verify-id-1'
const BEGUN = {
  status: 201,
  data: { ...FACE, status: 'waiting', real_name: null, credential_id: null, verify_id: VERIFY_ID, expires_at: '2099-01-01T00:00:00Z' },
}
const ENDED = { status: 200, data: FACE }
const NOT_FINISHED = error(409, 'face_not_finished', 'later')

beforeEach(() => {
  reset()
  app('config').askAgain = [5, 10]
})

/** The component, once it knows what there is to do. `camera`: what the phone reports, after the citizen was before it. */
async function shown({ answers, properties, camera = ({ success }) => success({ errMsg: 'ok' }) } = {}) {
  const waits = { status: 200, data: { ...FACE, status: 'waiting' } }
  const requests = serve({ [FACES]: BEGUN, [RESULT]: ENDED, [OWN]: waits, ...answers })
  const cameras = []
  wx.requestFacialVerify = (options) => {
    cameras.push(options)
    setTimeout(() => camera(options))
  }
  const face = show('components/realname-face/realname-face', { agreed: true, notice: 'notice-1', ...properties })
  await until(() => face.data.phase !== 'busy')
  return { face, requests, cameras, begins: () => requests.to(FACES), results: () => requests.to(RESULT) }
}

function submit(face, value = PERSON) {
  face.querySelector('.person').querySelector('.form').dispatchEvent('submit', { detail: { value } })
}

const tap = (face, selector) => face.querySelector(selector).dispatchEvent('tap')
const phase = (face, wanted) => until(() => face.data.phase === wanted)
const words = (code) => app('i18n').errorWords({ code }, 'face')

describe('a citizen who passes', () => {
  test('is verified by what the server says', async () => {
    const world = await shown()
    submit(world.face)
    await phase(world.face, 'done')
    assert.deepEqual(world.begins()[0].data, { real_name: '欧阳·娜', credential_id: '440524198001010013', notice: 'notice-1' })
    assert.equal(world.cameras[0].verifyId, VERIFY_ID)
    assert.deepEqual([world.results().length, world.results()[0].method, world.results()[0].data], [1, 'POST', undefined])
    assert.deepEqual(world.face.events.filter(({ type }) => type !== 'person'), [{ type: 'verified', detail: FACE }])
    assert.equal(text(world.face, '.done'), '人脸核身已通过')
    assert.ok(!world.face.querySelector('.other'))
  })

  test('sends the merchant where a server has several, and no notice where there is none', async () => {
    const world = await shown({ properties: { merchant: 'hospital', notice: '' } })
    submit(world.face)
    await phase(world.face, 'done')
    assert.equal(world.begins()[0].data.merchant, 'hospital')
    assert.ok(!('notice' in world.begins()[0].data))
  })

  test('finds name, number and verify_id nowhere: not in data, storage, events or the view', async () => {
    const world = await shown({ answers: { [RESULT]: [error(503, 'wechat_unreachable', 'later'), ENDED] } })
    submit(world.face)
    for (const wanted of ['again', 'done']) {
      await phase(world.face, wanted)
      const seen = JSON.stringify([world.face.data, world.face.events, [...wx.stored], world.face.dom.outerHTML])
      for (const secret of ['欧阳', '440524198001010013', VERIFY_ID]) assert.ok(!seen.includes(secret), secret)
      if (wanted === 'again') tap(world.face, '.again')
    }
    assert.equal(app('lib/attempt').Attempt.of(world.face.instance)._job, null)
  })
})

describe('what the phone believes counts for nothing', () => {
  const calls = {
    'success alone': ({ success }) => success({ errMsg: 'ok', errCode: 0 }),
    'fail alone': ({ fail }) => fail({ errMsg: 'fail', errCode: 90199 }),
    'complete alone': ({ complete }) => complete({ errMsg: '' }),
    'all of them': ({ success, fail, complete }) => [success, fail, complete].forEach((call) => call({ errMsg: '' })),
  }
  for (const [what, camera] of Object.entries(calls)) {
    test(`${what}: the server says yes, so it is yes`, async () => {
      const world = await shown({ camera })
      submit(world.face)
      await phase(world.face, 'done')
      await moment()
      assert.equal(world.results().length, 1)
    })

    test(`${what}: the server says no, so it is no`, async () => {
      const world = await shown({ camera, answers: { [RESULT]: error(422, 'mismatch', 'reauthorize') } })
      submit(world.face)
      await phase(world.face, 'ready')
      await until(() => world.face.data.message)
      assert.equal(text(world.face, '.alert'), words('mismatch'))
      assert.ok(!world.face.events.some(({ type }) => type === 'verified'))
      assert.ok(world.face.querySelector('.person'), 'the form is there to begin anew')
    })
  }

  test('a call that throws: the server is asked all the same', async () => {
    const world = await shown()
    wx.requestFacialVerify = () => {
      throw new Error('not on this device')
    }
    submit(world.face)
    await phase(world.face, 'done')
  })
})

test('a consent withdrawn meanwhile: no camera, and the citizen may begin anew', async () => {
  const erased = { ...FACE, status: 'erased', real_name: null, credential_id: null }
  const begun = { status: 200, data: { ...erased, verify_id: null, expires_at: null } }
  const world = await shown({ answers: { [FACES]: begun, [RESULT]: { status: 200, data: erased } } })
  submit(world.face)
  await phase(world.face, 'ready')
  await until(() => world.face.data.message)
  assert.equal(text(world.face, '.alert'), words('erased'))
  assert.equal(world.cameras.length, 0)
  assert.ok(!world.face.events.some(({ type }) => type === 'verified'))
})

describe('face_not_finished', () => {
  test('is asked again with pauses that grow, of the same record', async () => {
    const world = await shown({ answers: { [RESULT]: [NOT_FINISHED, NOT_FINISHED, ENDED] } })
    submit(world.face)
    await phase(world.face, 'done')
    assert.deepEqual([world.begins().length, world.cameras.length, world.results().length], [1, 1, 3])
    const { askAgain } = require('../config')
    assert.ok(askAgain.every((pause, i) => !i || pause > askAgain[i - 1]))
  })

  test('for long: the citizen asks again, or begins anew; the camera does not come up by itself', async () => {
    const world = await shown({ answers: { [RESULT]: [NOT_FINISHED, NOT_FINISHED, NOT_FINISHED, ENDED] } })
    submit(world.face)
    await phase(world.face, 'again')
    assert.equal(text(world.face, '.alert'), words('face_not_finished'))
    assert.ok(world.face.querySelector('.restart'))
    tap(world.face, '.again')
    await phase(world.face, 'done')
    assert.deepEqual([world.begins().length, world.cameras.length], [1, 1])
  })

  test('waits as long as Retry-After says', async () => {
    const world = await shown({ answers: { [RESULT]: [error(409, 'face_not_finished', 'later', { 'Retry-After': '1' }), ENDED] } })
    const began = Date.now()
    submit(world.face)
    await phase(world.face, 'done')
    assert.ok(Date.now() - began >= 990)
  })

  test('ends with the page', async () => {
    app('config').askAgain = [60]
    const world = await shown({ answers: { [RESULT]: NOT_FINISHED } })
    submit(world.face)
    await until(() => world.results().length === 1)
    world.face.detach()
    await new Promise((resolve) => setTimeout(resolve, 150))
    assert.equal(world.results().length, 1)
  })

  test('“start again” ends a countdown', async () => {
    app('config').askAgain = []
    const world = await shown({ answers: { [RESULT]: error(409, 'face_not_finished', 'later', { 'Retry-After': '60' }) } })
    submit(world.face)
    await phase(world.face, 'waiting')
    tap(world.face, '.restart')
    await phase(world.face, 'ready')
    await moment()
    assert.deepEqual([world.face.data.phase, world.face.data.message], ['ready', ''])
  })
})

describe('after a restart', () => {
  const waiting = (...methods) => ({
    status: 200,
    data: { ...NOTHING.data, results: methods.map((method, i) => ({ ...FACE, method, id: method === 'face' && !i ? RECORD.id : `other-${i}`, status: 'waiting' })) },
  })

  test('the record is found, and the server asked how it ended, without a new consent', async () => {
    const world = await shown({ answers: { [WAITING]: waiting('face', 'face') }, properties: { agreed: false } })
    await phase(world.face, 'done')
    assert.deepEqual([world.begins().length, world.cameras.length, world.results().length], [0, 0, 1])
    assert.deepEqual(world.face.events, [{ type: 'verified', detail: FACE }])
  })

  test('also on a device that can’t', async () => {
    wx.checkIsSupportFacialRecognition = ({ fail }) => fail({ errMsg: 'no' })
    const world = await shown({ answers: { [WAITING]: waiting('face') } })
    await phase(world.face, 'done')
  })

  test('a record that WeChat has not finished can be given up for a new one', async () => {
    const world = await shown({ answers: { [WAITING]: waiting('face'), [RESULT]: [NOT_FINISHED, NOT_FINISHED, NOT_FINISHED, ENDED] } })
    await phase(world.face, 'again')
    tap(world.face, '.restart')
    await phase(world.face, 'ready')
    submit(world.face)
    await phase(world.face, 'done')
    assert.equal(world.begins().length, 1)
  })

  test('one that failed meanwhile is said, and a new one can begin', async () => {
    const world = await shown({ answers: { [WAITING]: waiting('face'), [RESULT]: error(422, 'face_expired', 'reauthorize') } })
    await until(() => world.face.data.message)
    assert.equal(text(world.face, '.alert'), words('face_expired'))
    await until(() => world.face.querySelector('.person'))
  })

  test('records of other ways are left alone', async () => {
    const world = await shown({ answers: { [WAITING]: waiting('authorize') } })
    assert.deepEqual([world.face.data.phase, world.results().length], ['ready', 0])
  })

  test('a server that can’t be reached is asked again', async () => {
    const world = await shown({ answers: { [WAITING]: [{ fail: 'request:fail' }, NOTHING] } })
    assert.equal(world.face.data.phase, 'again')
    tap(world.face, '.again')
    await phase(world.face, 'ready')
  })
})

describe('a device that can’t', () => {
  for (const [what, change, code] of [
    ['an old base library', { getAppBaseInfo: () => ({ version: '8.0.56', SDKVersion: '3.8.9', language: 'zh_CN' }) }, 'old_wechat_face'],
    ['no such call', { canIUse: () => false }, 'old_wechat_face'],
    ['no camera for it', { checkIsSupportFacialRecognition: ({ fail }) => fail({ errMsg: 'no' }) }, 'no_camera'],
  ])
    test(`${what}: says so, sends nothing, and offers another way`, async () => {
      Object.assign(wx, change)
      const world = await shown()
      assert.equal(world.face.data.phase, 'stopped')
      assert.equal(text(world.face, '.alert'), words(code))
      assert.equal(world.begins().length, 0)
      assert.ok(!world.face.querySelector('.restart'))
      tap(world.face, '.other')
      await until(() => world.face.events.length > 1)
      assert.deepEqual(world.face.events.map(({ type, detail }) => [type, detail?.code]), [['failed', code], ['otherway', undefined]])
    })
})

describe('another way', () => {
  test('is offered at every moment but the end', async () => {
    const world = await shown({ answers: { [FACES]: [error(503, 'misconfigured'), NEVER] } })
    const offered = () => !!world.face.querySelector('.other')
    assert.ok(offered())
    submit(world.face)
    await phase(world.face, 'stopped')
    assert.ok(offered())
    tap(world.face, '.restart')
    await phase(world.face, 'ready')
    submit(world.face)
    await phase(world.face, 'busy')
    tap(world.face, '.other')
    await moment()
    assert.equal(world.face.events.at(-1).type, 'otherway')
  })

  test('before any consent, too', async () => {
    const world = await shown({ properties: { agreed: false } })
    tap(world.face, '.other')
    await moment()
    assert.equal(world.face.events[0].type, 'otherway')
  })
})

describe('a citizen who did not agree', () => {
  test('is asked for nothing, and nothing can be sent', async () => {
    const world = await shown({ properties: { agreed: false } })
    assert.ok(!world.face.querySelector('.person'))
    assert.match(text(world.face, '.quiet'), /告知书/)
    world.face.instance.verify({ detail: PERSON })
    await moment()
    assert.equal(world.begins().length, 0)
  })
})

describe('every error has its words and its next step', () => {
  const NEXT = { later: 'again', reauthorize: 'ready', no: 'stopped' }
  const ROWS = [
    [FACES, 422, 'minor', 'no'], [FACES, 403, 'consent_required', 'no'], [FACES, 409, 'other_merchant', 'reauthorize'],
    [FACES, 422, 'mismatch', 'reauthorize'], [FACES, 429, 'throttled', 'later'], [FACES, 503, 'wechat_unreachable', 'later'],
    [FACES, 503, 'misconfigured', 'no'], [FACES, 400, 'invalid', 'no'],
    [RESULT, 422, 'mismatch', 'reauthorize'], [RESULT, 422, 'no_real_name', 'no'], [RESULT, 422, 'face_unclear', 'reauthorize'],
    [RESULT, 422, 'face_cancelled', 'reauthorize'], [RESULT, 422, 'face_unsupported', 'no'], [RESULT, 422, 'face_expired', 'reauthorize'],
    [RESULT, 422, 'minor', 'no'], [RESULT, 503, 'wechat_busy', 'later'], [RESULT, 502, 'wechat_error', 'no'],
    [RESULT, 409, 'exchange_in_progress', 'later'], [RESULT, 500, 'internal_error', 'no'],
  ]
  for (const [path, status, code, retry] of ROWS)
    for (const language of ['zh_CN', 'en'])
      test(`${path === FACES ? 'begin' : 'result'}: ${code}, ${language}`, async () => {
        wx.getAppBaseInfo = () => ({ version: '8.0.57', SDKVersion: '3.8.12', language })
        const world = await shown({ answers: { [path]: error(status, code, retry) } })
        submit(world.face)
        await until(() => world.face.data.message)
        assert.equal(world.face.data.phase, code === 'consent_required' ? 'ready' : NEXT[retry])
        const { TABLE } = app('i18n')
        const pair = TABLE.faceError[code] ?? TABLE.error[code]
        assert.equal(text(world.face, '.alert'), pair[language === 'en' ? 1 : 0])
        assert.deepEqual(world.face.events.at(-1).detail.code, code)
        assert.ok(world.face.querySelector('.other'))
      })

  test('what fails before the camera begins anew by one tap, and after it asks only for the result', async () => {
    const world = await shown({
      answers: { [FACES]: [error(503, 'wechat_busy', 'later'), BEGUN], [RESULT]: [error(503, 'wechat_unreachable', 'later'), ENDED] },
    })
    submit(world.face)
    const counts = () => [world.begins().length, world.cameras.length, world.results().length]
    for (const wanted of ['1,0,0', '2,1,1']) {
      await until(() => String(counts()) === wanted && world.face.data.phase === 'again')
      tap(world.face, '.again')
    }
    await phase(world.face, 'done')
    assert.deepEqual(counts(), [2, 1, 2])
  })

  test('a fault of WeChat’s own that ended the record: begun anew, not asked for again', async () => {
    const failed = { status: 200, data: { ...FACE, status: 'failed', real_name: null, credential_id: null } }
    const busy = error(503, 'wechat_busy', 'later')
    const world = await shown({ answers: { [RESULT]: [busy, ENDED], [OWN]: failed } })
    submit(world.face)
    await until(() => world.face.data.message)
    assert.deepEqual([world.face.data.phase, text(world.face, '.alert')], ['ready', words('wechat_busy')])
    submit(world.face)
    await phase(world.face, 'done')
    assert.deepEqual([world.begins().length, world.cameras.length, world.results().length], [2, 2, 2])
  })

  test('a busy WeChat, and a record that another query ended meanwhile: as it ended', async () => {
    const busy = error(503, 'wechat_busy', 'later')
    const world = await shown({ answers: { [RESULT]: [busy, ENDED], [OWN]: ENDED } })
    submit(world.face)
    await phase(world.face, 'done')
    assert.deepEqual([world.begins().length, world.cameras.length, world.results().length], [1, 1, 2])
  })

  test('a lost answer of the result: asked again, and the camera stays closed', async () => {
    const world = await shown({ answers: { [RESULT]: [{ fail: 'request:fail timeout' }, ENDED] } })
    submit(world.face)
    await phase(world.face, 'done')
    assert.deepEqual([world.begins().length, world.cameras.length, world.results().length], [1, 1, 2])
  })

  test('a record that was erased meanwhile is begun anew', async () => {
    const world = await shown({ answers: { [RESULT]: { status: 200, data: { ...FACE, status: 'erased' } } } })
    submit(world.face)
    await until(() => world.face.data.message)
    assert.equal(text(world.face, '.alert'), words('erased'))
  })

  test('a double tap begins once', async () => {
    const world = await shown({ answers: { [FACES]: NEVER } })
    submit(world.face)
    world.face.instance.verify({ detail: PERSON })
    await phase(world.face, 'busy')
    await moment()
    assert.equal(world.begins().length, 1)
  })

  test('an answer that comes after the page is gone tells nobody', async () => {
    const world = await shown({ answers: { [RESULT]: { ...ENDED, after: 40 } } })
    submit(world.face)
    await until(() => world.results().length)
    world.face.detach()
    await new Promise((resolve) => setTimeout(resolve, 80))
    assert.ok(!world.face.events.some(({ type }) => type === 'verified'))
  })
})
