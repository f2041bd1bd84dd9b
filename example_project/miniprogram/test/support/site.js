/**
 * The example site and the local WeChat behind it, over real HTTP: tests/e2e/test_miniprogram.py starts both and hands
 * over their addresses. wx.login and wx.request are played on Node's http, the citizen's taps on the sandbox's control
 * side.
 */

const { randomUUID } = require('node:crypto')
const http = require('node:http')

const { app, reset, show, until } = require('./device')

const { SITE_URL, SANDBOX_URL } = process.env
if (!SITE_URL || !SANDBOX_URL)
  throw new Error('SITE_URL and SANDBOX_URL are missing: run `pytest -m node tests/e2e/test_miniprogram.py`')

/** A phone with this citizen's WeChat; `lose` says how many answers get lost on their way back. */
function pickUp({ openid = `o-${randomUUID()}`, lose = () => false } = {}) {
  reset()
  app('config').api = `${SITE_URL}/api/`
  wx.login = ({ success, fail }) =>
    sandbox('login_codes', { openid }).then(({ code }) => success({ code }), (error) => fail({ errMsg: String(error) }))
  wx.request = ({ url, method, data, header, success, fail }) =>
    send(url, method, data, header).then(
      (answer) => (lose(url) ? fail({ errMsg: 'request:fail timeout' }) : success(answer)),
      (error) => fail({ errMsg: `request:fail ${error.code}` }),
    )
  return { openid }
}

/** A call of the sandbox's control side. */
async function sandbox(path, body, method = 'POST') {
  const { statusCode, data } = await send(`${SANDBOX_URL}/sandbox/${path}`, method, body)
  if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode} ${JSON.stringify(data)}`)
  return data
}

/** What WeChat counted of a call since the last `forget`. */
const calls = async (name) => (await sandbox('ledger', undefined, 'GET')).totals[name] ?? 0
const forget = () => sandbox('ledger', undefined, 'DELETE')

/** The first page, the notice agreed to. */
async function agreed() {
  const page = show('pages/index/index')
  page.instance.onShow()
  await until(() => page.querySelector('.begin'))
  page.querySelector('.begin').dispatchEvent('tap')
  await until(() => page.data.asking || page.data.agreed)
  await agree(page)
  await until(() => page.querySelector('.face'))
  return page
}

/** The page's sheet, ticked and agreed to; a site without a notice shows none. */
async function agree(page) {
  const sheet = () => page.querySelector('.notice')
  await until(() => page.data.agreed || sheet()?.querySelector('.agree'))
  if (page.data.agreed) return
  sheet().querySelector('.agree').dispatchEvent('change', { detail: { value: ['agreed'] } })
  await until(() => sheet().data.ticked)
  sheet().querySelector('.submit').dispatchEvent('tap')
  await until(() => page.data.agreed)
}

function send(url, method = 'GET', body, header = {}) {
  const sent = body === undefined ? undefined : JSON.stringify(body)
  const headers = { ...header, ...(sent && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(sent) }) }
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString()
        resolve({ statusCode: answer.statusCode, header: answer.headers, data: parsed(text) })
      })
    })
    request.on('error', reject)
    request.end(sent)
  })
}

/** As wx.request does with dataType json: what isn't JSON stays a text. */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

module.exports = { agree, agreed, calls, forget, pickUp, sandbox, send }
