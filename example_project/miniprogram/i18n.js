/** Every word that a citizen reads, in one table: [Chinese, English]. A test holds it to the server's error codes. */

const { language } = require('./lib/client')

/** @type {Record<string, Record<string, [string, string]>>} */
const TABLE = {
  index: {
    title: ['社会保障', 'Social security'],
    why: [
      '依照规定，本服务须实名办理。经您同意，我们向微信支付获取您的实名信息。',
      'By law this service needs your real name. With your consent, we get it from WeChat Pay.',
    ],
    shared: ['将提供的信息', 'What will be shared'],
    name: ['姓名', 'Name'],
    number: ['身份证号码', 'ID number'],
    consent: [
      '仅用于办理本服务，加密保存，页面上只显示部分字符。您可以随时撤回同意，撤回后我们删除这些信息。',
      'Used for this service only, stored encrypted, shown in part. You can withdraw your consent at any time; we then delete the data.',
    ],
    agree: ['我已阅读并同意提供以上信息', 'I have read this and agree to share the information above'],
    verified: ['实名信息已核验', 'Your real name is verified'],
    open: ['进入服务', 'Open the service'],
    insured: ['参保人', 'Insured person'],
    balance: ['账户余额（元）', 'Balance (CNY)'],
    withdraw: ['撤回同意并删除信息', 'Withdraw consent and delete the data'],
    withdrawAsk: [
      '撤回后，再次使用本服务须重新授权。',
      'To use this service again, you will have to authorize again.',
    ],
    check: ['改用姓名和身份证号码核验', 'Verify by name and ID number instead'],
    again: ['再试一次', 'Try again'],
    busy: ['请稍候', 'One moment'],
  },
  button: {
    authorize: ['微信支付实名授权', 'Authorize with WeChat Pay'],
    agreeFirst: ['请先阅读并勾选同意', 'Please read and agree first'],
    again: ['再试一次', 'Try again'],
    againIn: ['{seconds} 秒后可再试', 'Try again in {seconds} s'],
    busy: ['正在办理', 'Working on it'],
    done: ['已完成实名授权', 'Your real name is verified'],
  },
  check: {
    title: ['实名信息核验', 'Real-name check'],
    why: [
      '请填写本人姓名和身份证号码。点击后前往微信城市服务，由您同意后，微信告知我们两者是否与微信支付的实名信息一致。',
      'Enter your own name and ID number. WeChat’s city service then asks for your consent and tells us whether they match your WeChat Pay account.',
    ],
    name: ['姓名', 'Name'],
    number: ['身份证号码', 'ID number'],
    submit: ['同意并前往微信核验', 'Agree and verify with WeChat'],
    badName: ['请填写姓名', 'Please enter your name'],
    badNumber: ['身份证号码应为 18 位，请检查', 'This is not an ID number. Please check it'],
    checkDigit: [
      '号码的最后一位与前面各位不符，请核对；确认无误请再次点击',
      'The last character does not fit the others. Please compare; if it is right, tap once more',
    ],
    verified: ['核验一致', 'Your details match'],
    back: ['返回', 'Back'],
    restart: ['重新填写', 'Start again'],
    again: ['再试一次', 'Try again'],
    busy: ['正在核验', 'Checking'],
  },
  /** By the code of the server's error table; below it, what only the mini-program can know. */
  error: {
    invalid: ['提交的内容有误，请检查', 'What was sent is not valid. Please check it'],
    not_authenticated: ['登录失败，请关闭小程序后重新打开', 'Login failed. Please close the mini-program and open it again'],
    permission_denied: ['您没有办理此项的权限', 'You are not allowed to do this'],
    real_name_required: ['请先完成实名授权', 'Please authorize your real name first'],
    too_young: ['您未达到办理此项服务的年龄，或年龄未知', 'You are not old enough for this service, or your age is not known'],
    not_found: ['没有找到相关内容', 'There is nothing here'],
    method_not_allowed: ['小程序版本与服务不一致，请更新小程序', 'This mini-program does not fit the server. Please update it'],
    unsupported_media_type: ['小程序版本与服务不一致，请更新小程序', 'This mini-program does not fit the server. Please update it'],
    internal_error: ['服务出错，请联系服务方', 'Something went wrong on our side. Please contact us'],
    no_wechat_pay: [
      '您尚未开通微信支付。请先在微信“我 - 服务 - 钱包”中开通并完成实名认证',
      'You have no WeChat Pay account. Open one under Me, Services, Wallet in WeChat and verify your identity there first',
    ],
    no_real_name: [
      '微信支付没有您的实名信息。请先在微信支付完成实名认证；居民身份证以外的证件，微信暂不提供',
      'WeChat Pay has no real-name information for you. Verify your identity there first; WeChat offers no documents but the resident ID card',
    ],
    invalid_auth_token: ['此次授权已失效，请重新授权', 'This authorization is no longer valid. Please authorize again'],
    auth_token_in_use: ['此次授权已被使用，请重新授权', 'This authorization was used already. Please authorize again'],
    exchange_in_progress: ['正在处理您的授权，请稍候再试', 'Your authorization is being processed. Please try again in a moment'],
    throttled: ['操作太频繁，请稍候再试', 'Too many requests. Please try again later'],
    misconfigured: ['服务暂未正确设置，请联系服务方', 'The service is not set up rightly. Please contact us'],
    wechat_busy: ['微信繁忙，请稍候再试', 'WeChat is busy. Please try again later'],
    quota_exhausted: ['当前办理人数较多，请稍候再试', 'Too many people at the moment. Please try again later'],
    wechat_unreachable: ['暂时无法连接微信，请稍候再试', 'WeChat could not be reached. Please try again later'],
    outcome_unknown: ['未能确认结果，请重新授权', 'The outcome is not known. Please authorize again'],
    unreadable_answer: ['未能读取微信返回的信息，请重新授权', 'WeChat’s answer could not be read. Please authorize again'],
    wechat_error: ['微信返回错误，请联系服务方', 'WeChat answered with an error. Please contact us'],
    invalid_code: ['此次同意已失效，请重新授权', 'This consent is no longer valid. Please authorize again'],
    mismatch: [
      '姓名或身份证号码与微信支付的实名信息不一致，请核对后重新填写',
      'The name or ID number does not match your WeChat Pay account. Please check and enter them again',
    ],

    network: ['网络不通，请检查网络后再试', 'No connection. Please check your network and try again'],
    timeout: ['网络超时，请再试一次；无需重新授权', 'The network timed out. Please try again; you need not authorize anew'],
    bad_answer: ['服务暂时不可用，请再试一次', 'The service is not available at the moment. Please try again'],
    login_failed: ['微信登录失败，请再试一次', 'WeChat login failed. Please try again'],
    refused: ['您没有同意授权。如需办理，请再次点击', 'You did not agree. Tap again if you want to go on'],
    not_opened: ['微信未能打开授权页面，请再试一次', 'WeChat could not open the authorization page. Please try again'],
    old_wechat: ['当前微信版本不支持实名授权，请更新微信', 'This version of WeChat cannot do this. Please update WeChat'],
    no_category: ['服务尚未设置类目，请联系服务方', 'The service has no category set. Please contact us'],
    erased: ['这次授权的信息已删除，请重新授权', 'The data of this authorization was deleted. Please authorize again'],
    unforeseen: ['出错了，请重新打开小程序', 'Something went wrong. Please open the mini-program again'],
  },
}

/**
 * A page's words in the device's language.
 * @param {string} name
 * @returns {Record<string, string>}
 */
function group(name) {
  /** @type {Record<string, string>} */
  const words = {}
  for (const key of Object.keys(TABLE[name])) words[key] = pick(TABLE[name][key])
  return words
}

/**
 * What to tell the citizen: our words; for a code that came after this mini-program, the server's.
 * @param {{code: string, detail?: string}} error
 */
function errorWords({ code, detail }) {
  return TABLE.error[code] ? pick(TABLE.error[code]) : detail || pick(TABLE.error.unforeseen)
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]))
}

/** @param {[string, string]} pair */
function pick([chinese, english]) {
  return language() === 'zh' ? chinese : english
}

module.exports = { TABLE, errorWords, fill, group }
