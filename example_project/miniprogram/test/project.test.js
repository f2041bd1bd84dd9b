/** What WeChat's tools would find, and what no review should have to. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { describe, test } = require('node:test')

require('./support/device') // compiled views look for a window
const compiler = require('miniprogram-compiler')

const ROOT = path.resolve(__dirname, '..')
const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8')
const json = (file) => JSON.parse(read(file))

function files(extension, folder = '') {
  return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name)
    if (['node_modules', 'test'].includes(name)) return []
    return entry.isDirectory() ? files(extension, name) : name.endsWith(extension) ? [name] : []
  })
}

test('every page and component is there', () => {
  const used = new Set(json('app.json').pages)
  for (const name of used)
    for (const component of Object.values(json(`${name}.json`).usingComponents ?? {})) used.add(component.replace(/^\//, ''))
  assert.ok(used.has('components/realname-person/realname-person'))
  for (const name of used)
    for (const part of ['js', 'json', 'wxml']) assert.ok(fs.existsSync(path.join(ROOT, `${name}.${part}`)), name)
})

test('every colour of the theme is there in light and in dark', () => {
  const { light, dark } = json('theme.json')
  assert.deepEqual(Object.keys(light), Object.keys(dark))
  for (const [, name] of read('app.json').matchAll(/"@(\w+)"/g)) assert.ok(light[name], name)
  const palette = (css) => [...css.matchAll(/(--[\w-]+): #/g)].map(([, name]) => name)
  const [bright, night] = read('app.wxss').split('@media')
  assert.deepEqual(palette(bright), palette(night))
})

test('every text holds 4.5 : 1 against what is behind it, in light and in dark', () => {
  for (const css of read('app.wxss').split('@media')) {
    const colour = Object.fromEntries([...css.matchAll(/--([\w-]+): #(\w{6})/g)].map(([, name, hex]) => [name, hex]))
    const pairs = ['text', 'quiet', 'accent', 'alert'].map((name) => [name, 'card'])
    for (const [front, back] of [...pairs, ['text', 'page'], ['on-accent', 'accent']]) {
      const [bright, dark] = [colour[front], colour[back]].map(luminance).sort((a, b) => b - a)
      assert.ok((bright + 0.05) / (dark + 0.05) >= 4.5, `${front} on ${back}`)
    }
  }
})

/** WCAG's relative luminance. */
function luminance(hex) {
  const [red, green, blue] = hex.match(/../g).map((pair) => {
    const part = parseInt(pair, 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

test('nothing is logged', () => {
  for (const file of files('.js')) assert.doesNotMatch(read(file), /console\.|getLogManager|getRealtimeLogManager/, file)
})

test('every control says what it is', () => {
  for (const file of files('.wxml'))
    for (const [tag, name] of read(file).matchAll(/<(button|input|checkbox)\s[^>]*>/g))
      assert.match(tag, name === 'input' ? /aria-label=/ : /aria-role=/, `${file}: ${tag}`)
})

const VIEWS = {
  index: 'index',
  check: 'check',
  accesses: 'accesses',
  'realname-button': 'button',
  'realname-face': 'face',
  'realname-notice': 'notice',
  'realname-person': 'person',
}

test('every word that a view uses is in the table', () => {
  assert.equal(files('.wxml').length, Object.keys(VIEWS).length)
  const { TABLE } = require('../i18n')
  for (const [file, name] of Object.entries(VIEWS)) {
    const wxml = read(files(`/${file}.wxml`)[0])
    for (const [, key] of wxml.matchAll(/\bt\.(\w+)/g)) assert.ok(TABLE[name][key], `${file}.wxml: t.${key}`)
  }
})

test('a component’s style names classes only, as WeChat wants it', () => {
  for (const file of files('.wxss', 'components'))
    for (const [, selectors] of read(file).replace(/\/\*.*?\*\//gs, '').matchAll(/([^{}]+)\{/g))
      for (const selector of selectors.split(',')) assert.match(selector.trim(), /^\.[\w-]+$/, file)
})

test('every method that a view calls is there', () => {
  for (const file of files('.wxml')) {
    const script = read(file.replace('.wxml', '.js'))
    for (const [, name] of read(file).matchAll(/\bbind:?\w+="(\w+)"/g))
      assert.match(script, new RegExp(`^    ${name}\\(`, 'm'), `${file}: ${name}`)
  }
})

test('the test line of the README: PYTHON counts from where npm is called', () => {
  const { located } = require('./support/codes')
  assert.match(read('README.md'), /PYTHON=\.\.\/\.\.\/\.venv\/bin\/python npm test/)
  assert.equal(located('../../.venv/bin/python', ROOT), path.resolve(ROOT, '../../.venv/bin/python'))
  assert.equal(located('python3', ROOT), 'python3')
})

test('the types know face verification 2.0', () => {
  const { version } = json('package-lock.json').packages['node_modules/miniprogram-api-typings']
  const [major, minor] = version.split('.').map(Number)
  assert.ok(major > 5 || (major === 5 && minor >= 2), version)
})

test('the lock file names no registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved"|registry\./)
  assert.match(read('.npmrc'), /^omit-lockfile-registry-resolved=true$/m)
})

describe('WeChat’s own compiler', { skip: process.arch !== 'x64' && `it's for x86-64, this is ${process.arch}` }, () => {
  test('takes every view', () => {
    const render = new Function(compiler.wxmlToJs(ROOT))()
    for (const file of files('.wxml')) assert.equal(typeof render(file), 'function', file)
  })

  test('takes every style', () => assert.ok(compiler.wxssToJs(ROOT)))
})
