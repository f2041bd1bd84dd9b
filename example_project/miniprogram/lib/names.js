/**
 * A name as people type and paste it, in the one spelling that is compared and sent, as the server's names.py has it; the
 * tests hold the two to each other.
 */

const HAN =
  '[\\u2e80-\\u2fdf\\u3005\\u3007\\u3400-\\u4dbf\\u4e00-\\u9fff\\ue000-\\uf8ff\\uf900-\\ufaff\\u{20000}-\\u{3fffd}]'
/** Invisible characters that a paste brings: zero-width ones, direction marks, soft hyphens, variation selectors, fillers. */
const INVISIBLE = /[\p{Cf}\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u034f\u115f\u1160\u3164\uffa0]/gu
/** What keyboards give for the dot of a name, which is U+00B7 alone (民委发〔2016〕33号). */
const DOTS = /[\u2022\u30fb\uff65\u2027\u2219\u22c5\u16eb\uff0e\uff61\u3002\u25cf\u0387\ua78f\u2e31\u2024\ufe52\u02d9\u25e6\u2981\u2e33\u26ab\u2b24]/g
/** A copy from a PDF file brings Kangxi radicals. */
const RADICALS = /[\u2f00-\u2fd5]/g
/** And radicals of the CJK supplement in place of the whole character; those that GBK has stay. */
const SUPPLEMENT = new Map(
  [...'⺟⺠⺩⺬⺼⻄⻅⻆⻉⻋⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳'].map((radical, i) => [
    radical,
    [...'母民王示肉西见角贝车長长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟'][i],
  ])
)
const FULL_WIDTH = /[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]/g
// Groups and not look-behinds, which iOS has only since 16.4.
const STOP_AFTER_HAN = new RegExp(`(${HAN})\\s*\\.+`, 'gu')
const STOP_BEFORE_HAN = new RegExp(`\\.+\\s*(?=${HAN})`, 'gu')
const SEVERAL_DOTS = /\u00b7(\s*\u00b7)+/g
const BLANK_BETWEEN_HAN = new RegExp(`(${HAN})\\s+(?=${HAN})`, 'gu')
const BLANKS_BEFORE_HAN = new RegExp(`\\s*\\u00b7\\s*(?=${HAN})`, 'gu')
const BLANKS_AFTER_HAN = new RegExp(`(${HAN})\\s*\\u00b7\\s*`, 'gu')
const EVERY_HAN = new RegExp(HAN, 'gu')
const NO_LETTER = /^[^\p{L}]*$/u
const NOT_OF_A_NAME = /[\p{Cc}\p{Cs}\p{Cn}]/u
const LONGEST = 512

/** Private-use code points of GBK and GB 18030, by runs, and the characters that GB 18030-2022 has for them. */
const MOVED = new Map()
for (const [first, characters] of /** @type {[number, string][]} */ ([
  [0xe78d, '\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19'],
  [0xe7c7, '\u1e3f\u01f9'],
  [
    0xe815,
    '⺁\u{20087}\u{20089}\u{200cc}⺄㑳㑇⺈⺋\u9fb4㖞㘚㘎⺌⺗㥮㤘\u9fb5㧏㧟㩳㧐\u9fb6\u9fb7㭎㱮㳠' +
    '⺧\u{215d7}\u9fb8⺪䁖䅟⺮䌷⺳⺶⺷\u{2298f}䎱䎬⺻䏝䓖䙡䙌\u9fb9䜣䜩䝼䞍⻊䥇䥺' +
    '䥽䦂䦃䦅䦆䦟䦛䦷䦶\u9fba\u{241fe}䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮\u9fbb',
  ],
]))
  [...characters].forEach((character, i) => MOVED.set(String.fromCharCode(first + i), character))

/**
 * The name, or '' when it can't be one.
 * @param {string} text
 */
function normalize(text) {
  const name = folded(text)
    .trim()
    .replace(STOP_AFTER_HAN, '$1\u00b7')
    .replace(STOP_BEFORE_HAN, '\u00b7')
    .replace(SEVERAL_DOTS, '\u00b7')
    .replace(BLANK_BETWEEN_HAN, '$1')
    .replace(BLANKS_BEFORE_HAN, '\u00b7')
    .replace(BLANKS_AFTER_HAN, '$1\u00b7')
    .replace(/\s+/g, ' ')
    .replace(/^[\u00b7 ]+|[\u00b7 ]+$/g, '')
  return isPlausible(name) ? name : ''
}

/** @param {string} text */
function folded(text) {
  return String(text)
    .replace(INVISIBLE, '')
    .replace(/[\ue78d-\ue864]/g, (character) => MOVED.get(character) || character)
    .replace(RADICALS, (character) => character.normalize('NFKC'))
    .replace(/[\u2e9f-\u2ef3]/g, (character) => SUPPLEMENT.get(character) || character)
    .replace(FULL_WIDTH, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0))
    .replace(DOTS, '\u00b7')
}

/**
 * A letter at least, and no control, surrogate or unassigned character; every ideograph counts, known to this device or not.
 * @param {string} name
 */
function isPlausible(name) {
  const others = name.replace(EVERY_HAN, '')
  const hasLetter = others !== name || !NO_LETTER.test(others)
  return hasLetter && !NOT_OF_A_NAME.test(others) && name.length <= LONGEST
}

module.exports = { normalize }
