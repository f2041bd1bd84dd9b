/** A server for the component's tests: it logs in, knows the category, and answers whatever else the test says. */

const LOGIN = { status: 200, data: { token: 'session-1', expires_at: '2099-01-01T00:00:00Z' } }
const CATEGORIES = { status: 200, data: { categories: [], category_id: [99, 904] } }
const NEVER = {}

/**
 * Takes wx.request over. `answers`: by path below /api/, what is answered, one after another, the last again and again:
 * `{status, data, header?}` or `{fail: errMsg}`, `after` so many milliseconds, or NEVER. Gives the requests that came.
 */
function serve(answers = {}) {
  const script = { 'login/': LOGIN, 'realname/categories/': CATEGORIES, ...answers }
  const requests = []
  globalThis.wx.request = (options) => {
    const { pathname, search } = new URL(options.url)
    const path = pathname.replace('/api/', '')
    requests.push({ path, search, method: options.method, data: options.data, header: options.header })
    const answer = next(script, path)
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

const RECORD = {
  id: '0190a5c0-0000-7000-8000-000000000001',
  method: 'authorize',
  status: 'verified',
  merchant: 'default',
  real_name: '**娜',
  credential_id: '4****************3',
}

module.exports = { CATEGORIES, LOGIN, NEVER, RECORD, error, serve }
