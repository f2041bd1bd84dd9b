/** A device for the tests: a DOM, and a WeChat whose answers a test writes. Load it before anything else. */

const path = require('node:path')
const { JSDOM } = require('jsdom')

const { window } = new JSDOM('<!doctype html><body></body>')
const names = ['document', 'HTMLElement', 'Element', 'Node', 'Event', 'CustomEvent', 'TouchEvent']
Object.assign(globalThis, { window }, Object.fromEntries(names.map((name) => [name, window[name]])))

const simulate = require('miniprogram-simulate')

const ROOT = path.resolve(__dirname, '../..')

/** What this WeChat has, of what the mini-program asks for. */
const KNOWN = [
  'button.open-type.getRealnameAuthInfo',
  'requestFacialVerify',
  'checkIsSupportFacialRecognition',
  'getPrivacySetting',
]

/** What wx answers; a test may replace any of it, `reset` puts it back. */
const wxCalls = {
  getAppBaseInfo: () => ({ version: '8.0.57', SDKVersion: '3.8.12', language: 'zh_CN' }),
  canIUse: (what) => KNOWN.includes(what),
  checkIsSupportFacialRecognition: ({ success }) => success({ errMsg: 'ok' }),
  requestFacialVerify: () => {
    throw new Error('this test expects no camera')
  },
  getPrivacySetting: ({ success }) => success({ needAuthorization: false, privacyContractName: '' }),
  openPrivacyContract() {},
  login: ({ success }) => success({ code: 'login-code' }),
  request: () => {
    throw new Error('this test expects no request')
  },
  setNavigationBarTitle() {},
  navigateTo() {},
  navigateBack() {},
  navigateToMiniProgram() {},
  showModal: ({ success }) => success({ confirm: true }),
}

/** Start again, as after an installation: nothing stored, nothing remembered by any module. */
function reset() {
  const stored = new Map()
  Object.assign(globalThis.wx, wxCalls, {
    stored,
    getStorageSync: (key) => stored.get(key) ?? '',
    setStorage: ({ key, data }) => stored.set(key, data),
    removeStorageSync: (key) => stored.delete(key),
  })
  document.body.innerHTML = ''
  for (const file of Object.keys(require.cache))
    if (file.startsWith(ROOT) && !file.includes('node_modules') && !file.startsWith(__dirname))
      delete require.cache[file]
}

/** A module of the mini-program, as the pages get it. */
const app = (module) => require(path.join(ROOT, module))

/** A page or component on the screen. Its views are compiled in JavaScript: WeChat's own compiler is for x86-64 only. */
function show(name, properties, query) {
  const id = simulate.load(path.join(ROOT, name), { rootPath: ROOT, compiler: 'simulate' })
  const component = simulate.render(id, properties)
  const events = []
  for (const type of ['verified', 'failed', 'agreed', 'declined', 'otherway', 'person'])
    component.addEventListener(type, ({ detail }) => events.push({ type, detail }))
  component.events = events
  if (component.instance.onLoad) component.instance.onLoad(query)
  component.attach(document.body)
  return component
}

const text = (component, selector) => component.querySelector(selector)?.dom.textContent.trim()

/** Wait until it's so; fails when it isn't after `patience` milliseconds. */
async function until(condition, patience = 10000) {
  const end = Date.now() + patience
  while (!condition()) {
    if (Date.now() > end) throw new Error(`still not so after ${patience} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Events arrive a moment after they were sent. */
const moment = () => new Promise((resolve) => setTimeout(resolve, 50))

module.exports = { ROOT, app, moment, reset, show, text, until }
