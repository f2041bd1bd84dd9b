const assert = require('node:assert/strict')
const { beforeEach, test } = require('node:test')

const { app, moment, reset, show, text, until } = require('./support/device')

const PERSON = { real_name: '欧阳娜', credential_id: '440524198001010013' }
const WRONG_DIGIT = { ...PERSON, credential_id: '440524198001010014' }

beforeEach(reset)

const shown = (properties) => show('components/realname-person/realname-person', { label: '核验', busyLabel: '正在核验', ...properties })

/** An event, and what follows from it. */
function dispatch(form, selector, event, value) {
  form.querySelector(selector).dispatchEvent(event, { detail: { value } })
  return moment()
}
const submit = (form, value) => dispatch(form, '.form', 'submit', value)
const input = (form) => dispatch(form, '.typed-number', 'input', '')
const people = (form) => form.events.map(({ detail }) => detail)

test('hands on name and number as the server takes them, and keeps them in no data', async () => {
  const form = shown()
  await submit(form, { real_name: ' 阿卜杜•热合曼\u200b', credential_id: '１１０１０５１９４９１２３１００２ｘ ' })
  assert.deepEqual(people(form), [{ real_name: '阿卜杜·热合曼', credential_id: '11010519491231002X' }])
  assert.ok(!JSON.stringify(form.data).includes('热合曼'))
})

for (const [value, word] of [
  [{ ...PERSON, real_name: ' \u200b' }, 'badName'],
  [{ ...PERSON, credential_id: '440524198002300013' }, 'badNumber'],
  [{ ...PERSON, credential_id: '44052419800101001' }, 'badNumber'],
])
  test(`says at once: ${word} (${JSON.stringify(value)}), and puts the cursor there`, async () => {
    const form = shown()
    await submit(form, value)
    await until(() => form.data.hint)
    assert.equal(text(form, '.hint'), app('i18n').group('person')[word])
    assert.equal(form.data.wrong, word)
    await submit(form, value)
    assert.deepEqual(form.events, [])
  })

test('a check digit that does not hold is doubted once, and again after a change', async () => {
  const form = shown()
  await submit(form, WRONG_DIGIT)
  assert.equal(form.data.wrong, 'checkDigit')
  await input(form)
  assert.equal(form.data.hint, '')
  await submit(form, WRONG_DIGIT)
  assert.deepEqual(form.events, [])
  await submit(form, WRONG_DIGIT)
  assert.deepEqual(people(form), [WRONG_DIGIT])
})

test('does nothing while it is busy', async () => {
  const form = shown({ busy: true })
  await submit(form, PERSON)
  assert.deepEqual(form.events, [])
  assert.equal(text(form, '.submit'), '正在核验')
})
