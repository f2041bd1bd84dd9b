/** Every word that a citizen reads, in one table: [Chinese, English]. A test holds it to the server's error codes. */

const { language } = require('./lib/client')

/** @type {Record<string, Record<string, [string, string]>>} */
const TABLE = {
  index: {
    title: ['社会保障', 'Social security'],
    why: [
      '依照规定，办理本服务须核验您的真实身份。请先阅读个人信息处理告知书，再选择核验方式。',
      'By law this service needs your real name. Please read the notice on personal data first, then choose a way.',
    ],
    shared: ['将提供的信息', 'What will be shared'],
    name: ['姓名', 'Name'],
    number: ['身份证号码', 'ID number'],
    begin: ['阅读告知书', 'Read the notice'],
    declined: ['您没有同意，我们未收集您的信息', 'You did not agree. We have not collected any data'],
    otherWays: ['其他核验方式', 'Other ways'],
    counter: [
      '您也可以不刷脸：可选择其他核验方式，或携带身份证到服务窗口办理，办理条件相同。',
      'You need not show your face: choose another way, or bring your ID card to a service counter, on the same terms.',
    ],
    verified: ['实名信息已核验', 'Your real name is verified'],
    open: ['进入服务', 'Open the service'],
    insured: ['参保人', 'Insured person'],
    balance: ['账户余额（元）', 'Balance (CNY)'],
    accesses: ['谁查看过我的信息', 'Who looked at my data'],
    withdraw: ['撤回同意并删除信息', 'Withdraw consent and delete the data'],
    withdrawAsk: [
      '将删除：您的姓名、身份证号码，以及仅为本事项所作的全部核验。将保留：核验和撤回的事件记录、用户标识、网络地址。撤回不影响此前已办理的业务；再次使用本服务须重新核验。',
      'Deleted: your name, your ID number, and all verifications made for this purpose alone. Kept: the record of the events, a user id and a network address. What was done before stays valid; to use this service again, you will have to verify again.',
    ],
    check: ['用姓名和身份证号码核验', 'Verify by name and ID number'],
    again: ['再试一次', 'Try again'],
    busy: ['请稍候', 'One moment'],
  },
  notice: {
    privacyTitle: ['个人信息保护', 'Protection of your data'],
    handler: ['个人信息处理者', 'Who is responsible'],
    recipients: ['接收方', 'Who receives the data'],
    retention: ['保存期限', 'Kept for'],
    days: ['{days} 天', '{days} days'],
    privacy: ['用户隐私保护指引', 'Privacy guidelines'],
    agree: ['我已阅读并同意以上内容', 'I have read this and agree'],
    submit: ['同意并继续', 'Agree and continue'],
    decline: ['不同意', 'Do not agree'],
    again: ['再试一次', 'Try again'],
    busy: ['请稍候', 'One moment'],
    notOpened: ['暂时无法打开，请稍后再试', 'It could not be opened. Please try again'],
  },
  person: {
    name: ['姓名', 'Name'],
    number: ['身份证号码', 'ID number'],
    badName: ['请填写姓名', 'Please enter your name'],
    badNumber: ['身份证号码有误，请检查', 'This is not an ID number. Please check it'],
    checkDigit: [
      '号码的最后一位与前面各位不符，请核对；确认无误请再次点击',
      'The last character does not fit the others. Please compare; if it is right, tap once more',
    ],
  },
  face: {
    title: ['人脸核身', 'Face verification'],
    why: [
      '请填写您本人的姓名和居民身份证号码。点击后由微信进行人脸核身，我们不获取、不保存您的人脸图像。',
      'Enter your own name and ID number. WeChat then verifies your face; we neither get nor keep any picture of it.',
    ],
    agreeFirst: ['请先阅读告知书并同意', 'Please read the notice and agree first'],
    submit: ['开始人脸核身', 'Verify my face'],
    other: ['选择其他核验方式', 'Choose another way'],
    restart: ['重新核验', 'Start again'],
    again: ['再试一次', 'Try again'],
    busy: ['正在核验', 'Verifying'],
    done: ['人脸核身已通过', 'Your face is verified'],
  },
  button: {
    authorize: ['微信支付实名授权', 'Authorize with WeChat Pay'],
    agreeFirst: ['请先阅读告知书并同意', 'Please read the notice and agree first'],
    again: ['再试一次', 'Try again'],
    againIn: ['{seconds} 秒后可再试', 'Try again in {seconds} s'],
    busy: ['正在办理', 'Working on it'],
    done: ['已完成实名授权', 'Your real name is verified'],
  },
  check: {
    title: ['信息核对', 'Real-name check'],
    why: [
      '请填写本人姓名和身份证号码。点击后前往微信城市服务，由您同意后，微信告知我们两者是否与微信支付的实名信息一致。',
      'Enter your own name and ID number. WeChat’s city service then asks for your consent and tells us whether they match your WeChat Pay account.',
    ],
    name: ['姓名', 'Name'],
    number: ['身份证号码', 'ID number'],
    read: ['阅读告知书', 'Read the notice'],
    submit: ['同意并前往微信核验', 'Agree and verify with WeChat'],
    verified: ['核验一致', 'Your details match'],
    back: ['返回', 'Back'],
    restart: ['重新填写', 'Start again'],
    again: ['再试一次', 'Try again'],
    busy: ['正在核验', 'Checking'],
  },
  accesses: {
    title: ['谁查看过我的信息', 'Who looked at my data'],
    none: ['尚无人查看或使用过您的信息', 'Nobody has looked at your data or used it'],
    by: ['查看方', 'By'],
    reason: ['事由', 'Reason'],
    reveal: ['查看明文', 'Seen in plain'],
    search: ['查询', 'Found by a search'],
    export: ['导出', 'Exported'],
    copy: ['提供副本', 'Copy given'],
    use: ['办理业务', 'Used by a service'],
    more: ['查看更早的记录', 'Show earlier ones'],
    again: ['再试一次', 'Try again'],
    busy: ['请稍候', 'One moment'],
  },
  /** By the code of the server's error table; below it, what only the mini-program can know. */
  error: {
    invalid: ['提交的内容有误，请检查', 'What was sent is not valid. Please check it'],
    not_authenticated: ['登录失败，请关闭小程序后重新打开', 'Login failed. Please close the mini-program and open it again'],
    permission_denied: ['您没有办理此项的权限', 'You are not allowed to do this'],
    real_name_required: ['请先完成实名核验', 'Please verify your real name first'],
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
    exchange_in_progress: ['正在处理您的授权，请稍后再试', 'Your authorization is being processed. Please try again in a moment'],
    throttled: ['操作太频繁，请稍后再试', 'Too many requests. Please try again later'],
    misconfigured: ['服务暂未正确设置，请联系服务方', 'The service is not configured correctly. Please contact us'],
    wechat_busy: ['微信繁忙，请稍后再试', 'WeChat is busy. Please try again later'],
    quota_exhausted: ['当前办理人数较多，请稍后再试', 'Too many people at the moment. Please try again later'],
    wechat_unreachable: ['暂时无法连接微信，请稍后再试', 'WeChat could not be reached. Please try again later'],
    outcome_unknown: ['未能确认结果，请重新授权', 'The outcome is not known. Please authorize again'],
    unreadable_answer: ['未能读取微信返回的信息，请重新授权', 'WeChat’s answer could not be read. Please authorize again'],
    wechat_error: ['微信返回错误，请联系服务方', 'WeChat answered with an error. Please contact us'],
    invalid_code: ['此次同意已失效，请重新授权', 'This consent is no longer valid. Please authorize again'],
    mismatch: [
      '姓名或身份证号码与微信支付的实名信息不一致，请核对后重新填写',
      'The name or ID number does not match your WeChat Pay account. Please check and enter them again',
    ],
    other_merchant: ['此次授权属于另一服务，请在本服务中重新授权', 'This authorization was for another service. Please authorize again here'],
    face_unclear: [
      '未能清楚识别您的面部。请在光线充足处正对屏幕，重新核验',
      'Your face could not be made out. Please face the screen in good light and verify again',
    ],
    face_cancelled: ['您已取消人脸核身。如需办理，请重新核验，或选择其他方式', 'You cancelled. Verify again, or choose another way'],
    face_unsupported: [
      '未能使用摄像头或麦克风。请在微信“右上角 ··· - 设置”和手机系统设置中允许使用，或选择其他核验方式',
      'The camera or microphone could not be used. Allow it under ··· (top right), Settings, and in your phone’s settings, or choose another way',
    ],
    face_not_finished: ['微信尚未返回核验结果，请稍后再试', 'WeChat has no result yet. Please try again in a moment'],
    face_expired: ['此次核验已超时，请重新核验', 'This verification has expired. Please verify again'],
    minor: [
      '您未满 14 周岁，请由监护人陪同到服务窗口办理',
      'You are under 14. Please come to a service counter together with your guardian',
    ],
    consent_required: ['请先阅读并同意个人信息处理告知书', 'Please read the notice on personal data and agree to it first'],
    reauthentication_required: ['为保护您的信息，请重新登录后再办理', 'To protect your data, please log in again first'],

    network: ['网络不通，请检查网络后再试', 'No connection. Please check your network and try again'],
    timeout: ['网络超时，请再试一次；无需重新授权', 'The network timed out. Please try again; you need not authorize anew'],
    bad_answer: ['服务暂时不可用，请再试一次', 'The service is not available at the moment. Please try again'],
    login_failed: ['微信登录失败，请再试一次', 'WeChat login failed. Please try again'],
    refused: ['您没有同意授权。如需办理，请再次点击', 'You did not agree. Tap again if you want to go on'],
    not_opened: ['微信未能打开授权页面，请再试一次', 'WeChat could not open the authorization page. Please try again'],
    old_wechat_face: [
      '当前微信版本不支持人脸核身。请将微信更新至 8.0.57 及以上版本，或选择其他核验方式',
      'This version of WeChat cannot verify faces. Please update WeChat to 8.0.57 or later, or choose another way',
    ],
    no_camera: ['您的设备不支持人脸核身，请选择其他核验方式', 'This device cannot verify faces. Please choose another way'],
    old_wechat: ['当前微信版本不支持实名授权，请更新微信', 'This version of WeChat cannot do this. Please update WeChat'],
    no_category: ['服务尚未设置类目，请联系服务方', 'The service has no category set. Please contact us'],
    erased: ['这次授权的信息已删除，请重新授权', 'The data of this authorization was deleted. Please authorize again'],
    unforeseen: ['出错了，请重新打开小程序', 'Something went wrong. Please open the mini-program again'],
  },
  /** The codes that mean something else where a face was verified. */
  faceError: {
    mismatch: [
      '核验未通过：姓名、身份证号码与您本人不一致。请核对后重新核验，或选择其他方式',
      'Not verified: name, ID number and face do not belong together. Please check them and verify again, or choose another way',
    ],
    no_real_name: [
      '未查到您的身份信息。请核对姓名和身份证号码；如确认无误，请选择其他核验方式',
      'No such identity was found. Please check name and ID number; if they are right, choose another way',
    ],
    outcome_unknown: ['未能确认结果，请重新核验', 'The outcome is not known. Please verify again'],
    timeout: ['网络超时，请再试一次', 'The network timed out. Please try again'],
    erased: ['此次核验的信息已删除，请重新核验', 'The data of this verification was deleted. Please verify again'],
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
 * @param {'face'} [way]
 */
function errorWords({ code, detail }, way) {
  const words = (way && TABLE.faceError[code]) || TABLE.error[code]
  return words ? pick(words) : detail || pick(TABLE.error.unforeseen)
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
