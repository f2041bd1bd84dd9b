const assert = require('node:assert/strict')
const { beforeEach, describe, test } = require('node:test')

const { app, reset } = require('./support/device')
const { CODES } = require('./support/codes')

beforeEach(reset)

describe('every word is there twice, and in its language', () => {
  const { TABLE } = app('i18n')
  for (const [name, group] of Object.entries(TABLE))
    test(name, () => {
      for (const [key, [chinese, english]] of Object.entries(group)) {
        assert.match(chinese, /[\u4e00-\u9fff]/, key)
        assert.match(english, /^[^\u4e00-\u9fff]+$/, key)
        assert.deepEqual(chinese.match(/\{\w+\}/g), english.match(/\{\w+\}/g), key)
      }
    })

  test('every code of the server', () => {
    for (const { code } of CODES) assert.ok(TABLE.error[code], `no words for ${code} in i18n.js`)
  })
})

describe('the device’s language', () => {
  for (const [language, expected] of [['zh_CN', 'zh'], ['zh_TW', 'zh'], ['zh', 'zh'], ['en', 'en'], ['ja', 'en']])
    test(`${language}: ${expected}`, () => {
      wx.getAppBaseInfo = () => ({ version: '8.0.50', language })
      assert.equal(app('lib/client').language(), expected)
    })
})

describe('an ID number', () => {
  const holds = '440524198001010013'
  for (const [number, expected] of [
    [holds, holds],
    [` ${holds} `, holds],
    ['11010519491231002x', '11010519491231002X'],
    ['110105491231002', '110105491231002'],
    ['440524198002300013', ''],
    ['440524209901010013', ''],
    ['44052419800101001', ''],
    ['4405241980010100133', ''],
    ['44052419800101001Y', ''],
    ['110101179912310018', ''],
    ['', ''],
  ])
    test(`“${number}”: ${expected || 'none'}`, () =>
      assert.equal(app('lib/resident-id').normalize(number), expected))

  test('has a check digit', () => {
    const { checkDigitHolds } = app('lib/resident-id')
    assert.ok(checkDigitHolds(holds))
    assert.ok(checkDigitHolds('11010519491231002X'))
    assert.ok(!checkDigitHolds('440524198001010014'))
    assert.ok(checkDigitHolds('110105491231002'), 'the old 15 digits have none')
  })
})

describe('the way back from the city service', () => {
  const APP_ID = 'wx308bd2aeb83d3345'
  const back = (extraData, appId = APP_ID) => ({ scene: 1038, referrerInfo: { appId, extraData } })

  for (const [extraData, code] of [
    [{ code: 'C1' }, 'C1'],
    [{ code: { auth_code: 'C2' } }, 'C2'],
  ])
    test(JSON.stringify(extraData), async () => {
      const cityService = app('lib/city-service')
      const waiting = cityService.authorize()
      cityService.returned(back(extraData))
      assert.equal(await waiting, code)
    })

  for (const [what, options] of [
    ['no code', back({})],
    ['no extraData', back(undefined)],
    ['an empty code', back({ code: '' })],
    ['a code that is no text', back({ code: { auth_code: 7 } })],
    ['another mini-program', back({ code: 'C1' }, 'wx0000000000000000')],
    ['no referrerInfo', { scene: 1089 }],
  ])
    test(`${what}: refused`, async () => {
      const cityService = app('lib/city-service')
      const waiting = cityService.authorize()
      cityService.returned(options)
      await assert.rejects(waiting, { code: 'refused', retry: 'reauthorize' })
    })

  test('a code is taken once', async () => {
    const cityService = app('lib/city-service')
    for (const taken of [true, false]) {
      const waiting = cityService.authorize()
      cityService.returned(back({ code: 'C1' }))
      await (taken ? waiting : assert.rejects(waiting, { code: 'refused' }))
    }
  })

  for (const [errMsg, code] of [
    ['navigateToMiniProgram:fail cancel', 'refused'],
    ['navigateToMiniProgram:fail invalid appid', 'not_opened'],
  ])
    test(`${errMsg}: ${code}`, async () => {
      wx.navigateToMiniProgram = ({ fail }) => fail({ errMsg })
      await assert.rejects(app('lib/city-service').authorize(), { code })
    })
})
