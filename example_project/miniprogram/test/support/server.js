/** A server for the tests: it logs in, knows the category, has no notice and no record, and answers whatever else the test says. */

const LOGIN = { status: 200, data: { token: 'session-1', expires_at: '2099-01-01T00:00:00Z' } }
const CATEGORIES = { status: 200, data: { categories: [], category_id: [99, 904] } }
const NO_NOTICE = {
  status: 404,
  data: { code: 'not_found', detail: 'Not found.', verification: null, wechat: null, retry: 'no' },
}
const NOTHING = { status: 200, data: { next: null, previous: null, results: [] } }
const NEVER = {}

/**
 * Takes wx.request over. `answers`: by path below /api/, with or without its query, what is answered, one after another, the last again and again:
 * `{status, data, header?}` or `{fail: errMsg}`, `after` so many milliseconds, or NEVER. Gives the requests that came.
 */
function serve(answers = {}) {
  const script = {
    'login/': LOGIN,
    'realname/categories/': CATEGORIES,
    'realname/notices/social-security/': NO_NOTICE,
    [WAITING]: NOTHING,
    ...answers,
  }
  const requests = []
  globalThis.wx.request = (options) => {
    const { pathname, search } = new URL(options.url)
    const path = pathname.replace('/api/', '')
    requests.push({ path, search, method: options.method, data: options.data, header: options.header })
    const answer = next(script, `${path}${search}` in script ? `${path}${search}` : path)
    setTimeout(() => {
      if (answer.fail) options.fail({ errMsg: answer.fail })
      else if (answer !== NEVER)
        options.success({ statusCode: answer.status, data: answer.data, header: answer.header ?? {} })
    }, answer.after)
  }
  requests.to = (path) => requests.filter((request) => request.path === path)
  return requests
}

function next(script, path) {
  const answer = script[path]
  if (!answer) throw new Error(`this test expects no call of ${path}`)
  if (!Array.isArray(answer)) return answer
  return answer.length > 1 ? answer.shift() : answer[0]
}

/** An error as the server shapes it. */
const error = (status, code, retry = 'no', header = {}) => ({
  status,
  data: { code, detail: `the server's words for ${code}`, verification: null, wechat: null, retry },
  header,
})

const WAITING = 'realname/verifications/?status=waiting'

const RECORD = {
  id: '0190a5c0-0000-7000-8000-000000000001',
  method: 'authorize',
  status: 'verified',
  consent: null,
  merchant: 'default',
  real_name: '**娜',
  credential_id: '4****************3',
}

const NOTICE = {
  id: '0190a5c0-0000-7000-8000-00000000000a',
  purpose: 'social-security',
  version: '2026-11',
  language: 'zh-hans',
  title: '个人信息处理告知书',
  text: '为办理社会保障业务，我们处理您的姓名和身份证号码。\n您可以随时撤回同意。',
  sha256: 'a'.repeat(64),
  handler: '某市人力资源和社会保障局',
  recipients: '微信（深圳市腾讯计算机系统有限公司）',
  retention_days: 365,
}

module.exports = { CATEGORIES, LOGIN, NEVER, NOTHING, NOTICE, RECORD, WAITING, error, serve }
