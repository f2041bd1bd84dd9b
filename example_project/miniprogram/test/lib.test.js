const assert = require('node:assert/strict')
const { beforeEach, describe, test } = require('node:test')

const { app, reset } = require('./support/device')
const { CODES, python } = require('./support/codes')

/** Codes of face verification, consent and the rights: the table names them even where an older server doesn't know them. */
const FACES_AND_CONSENT = [
  'face_unclear', 'face_cancelled', 'face_unsupported', 'face_not_finished', 'face_expired',
  'minor', 'consent_required', 'reauthentication_required', 'other_merchant', 'too_young',
]

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
    for (const code of [...CODES.map(({ code }) => code), ...FACES_AND_CONSENT])
      assert.ok(TABLE.error[code], `no words for ${code} in i18n.js`)
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
    [`\ufeff${holds}\u200b`, holds],
    ['４４０５２４１９８００１０１００１３', holds],
    ['\u3000１１０１０５１９４９１２３１００２ｘ\u00a0', '11010519491231002X'],
    ['440524 1980 0101 0013', holds],
    ['440524\t198001010013', ''],
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

describe('a name', () => {
  const { normalize } = app('lib/names')
  const JUDGED = 'from wx_realname import names'
  const judged = (texts) =>
    python(JUDGED, '[n if names.is_plausible(n) else "" for n in map(names.normalize, asked)]', texts)

  test('has U+00B7 for its dot, whatever was typed', () => {
    for (const dot of '•・‧.．●·･∙⋅。\u0387ꞏ⸱․﹒˙◦⦁⸳⚫⬤') assert.equal(normalize(`阿卜杜${dot}热合曼`), '阿卜杜·热合曼', dot)
    for (const dots of ['··', '...', '· ·', '。。'])
      assert.equal(normalize(`阿卜杜${dots}热合曼`), '阿卜杜·热合曼', dots)
    assert.equal(normalize('John R. Smith'), 'John R. Smith', 'an abbreviation keeps its stop')
  })

  test('loses what a paste brings: blanks at its ends and between Chinese characters, invisible characters', () => {
    for (const typed of [
      ' 欧阳娜\u3000', '欧阳 娜', '欧 阳 娜', '欧\u3000阳\u00a0娜', '\ufeff欧阳\u200b娜\u200f', '欧\u00ad阳\u2060娜\u{e0001}', '欧\ufe00阳\u{e0101}娜\u3164',
    ])
      assert.equal(normalize(typed), '欧阳娜', JSON.stringify(typed))
    assert.equal(normalize('阿卜杜 · 热合曼'), '阿卜杜·热合曼')
    assert.equal(normalize('𠮷 田〇 一'), '𠮷田〇一', 'beyond the basic plane too')
    assert.equal(normalize('John  Smith'), 'John Smith', 'between other letters one blank stays')
  })

  test('has plain letters and digits for full-width ones, and compatibility characters as they are', () => {
    assert.equal(normalize('Ａｂ１'), 'Ab1')
    assert.equal(normalize('\uf9d1\u2f42'), '\uf9d1文', 'but Kangxi radicals, which no keyboard gives')
    assert.equal(normalize('\u2ee2\u2ed3\u2ee9\u2e81'), '马长黄\u2e81', 'and whole characters of the supplement')
  })

  test('is refused where it has no letter, at control characters, and beyond 512 characters', () => {
    for (const typed of ['', ' ', '\u200b', '·', '123', '欧\u0007阳', '欧\u0085阳', '欧\ud800', '欧'.repeat(513)])
      assert.equal(normalize(typed), '', JSON.stringify(typed))
  })

  test('is what the server makes of it: every code point of private use and of the first 64k beside a Chinese character', () => {
    // Without control characters, which the server refuses before, and what only one of Node and Python knows.
    const points = python('import unicodedata', '[p for p in range(0x10000) if unicodedata.category(chr(p)) not in ("Cc", "Cs", "Cn")]')
    const known = points.map((point) => String.fromCharCode(point)).filter((sign) => !/\p{Cn}/u.test(sign))
    assert.ok(known.length > 60000)
    const texts = known.flatMap((sign) => [`欧${sign}阳`, `A${sign} b`])
    const differing = judged(texts).flatMap((server, i) => (server === normalize(texts[i]) ? [] : [texts[i]]))
    assert.deepEqual(differing.map((text) => JSON.stringify(text)), [])
  })

  test('is what the server makes of it: mixtures', () => {
    const signs = [...' \u3000\u00a0•・.．·。\u200b\u00ad欧阳𠮷〇AbＡ１\ue863\u0301']
    let seed = 20261129
    const random = (below) => (seed = (seed * 48271) % 2147483647) % below
    const texts = Array.from({ length: 5000 }, () => Array.from({ length: 1 + random(8) }, () => signs[random(signs.length)]).join(''))
    judged(texts).forEach((server, i) => assert.equal(normalize(texts[i]), server, JSON.stringify(texts[i])))
  })

  test('and so is a number', () => {
    const { normalize: normalizeNumber } = app('lib/resident-id')
    const texts = [
      ...['440524198001010013', '110105491231002', '11010519491231002x', '440524198002300013', '1101011799123 10018', ''],
      ...['\u200b440524 1980\u00a00101\u30000013 ', '４４０５２４１９８００１０１００１３', '11010519491231002ｘ', '44052419800101001Y', '４40524198001010013\n'],
    ]
    const server = python('from wx_realname import resident_id', '[resident_id.normalize(t) or "" for t in asked]', texts)
    assert.deepEqual(texts.map(normalizeNumber), server)
  })
})

describe('this WeChat', () => {
  for (const [SDKVersion, expected] of [
    ['3.8.12', true],
    ['3.8.100', true],
    ['3.10.0', true],
    ['10.0', true],
    ['3.8.11', false],
    ['3.8.9', false],
    ['2.33.0', false],
    [undefined, false],
  ])
    test(`base library ${SDKVersion} has face verification: ${expected}`, () => {
      wx.getAppBaseInfo = () => ({ version: '8.0.57', SDKVersion, language: 'zh_CN' })
      assert.equal(app('lib/client').canVerifyFace(), expected)
    })

  for (const missing of ['requestFacialVerify', 'checkIsSupportFacialRecognition'])
    test(`without ${missing} it has none`, () => {
      wx.canIUse = (what) => what !== missing
      assert.equal(app('lib/client').canVerifyFace(), false)
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
