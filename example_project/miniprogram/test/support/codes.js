/**
 * The server's error table and its other judgements, asked of the Python code itself: PYTHON names one that has wx_realname's requirements. A path
 * counts from the folder in which npm was called.
 */

const { execFileSync } = require('node:child_process')
const path = require('node:path')

const REPOSITORY = path.resolve(__dirname, '../../../..')
/** An executable's name stays as it is. */
const located = (python, from) => (/[\\/]/.test(python) ? path.resolve(from, python) : python)
const PYTHON = located(process.env.PYTHON || 'python3', process.env.INIT_CWD || process.cwd())

const SETUP = `
import json, sys
from django.conf import settings
settings.configure(USE_I18N=False)
asked = json.load(sys.stdin)
`

/**
 * What a Python expression gives, with `asked` in it.
 * @param {string} imports
 * @param {string} expression
 */
function python(imports, expression, asked = null) {
  const program = `${SETUP}\n${imports}\nprint(json.dumps(${expression}))`
  const input = JSON.stringify(asked)
  return JSON.parse(execFileSync(PYTHON, ['-c', program], { cwd: REPOSITORY, encoding: 'utf8', input, maxBuffer: 2 ** 27 }))
}

/** @type {{code: string, status: number, retry: string, retryAfter: number | null}[]} */
const CODES = python(
  'from wx_realname.exceptions import BY_CODE',
  '[[c.code, c.status_code, c.retry, c.retry_after] for c in BY_CODE.values()]',
).map(([code, status, retry, retryAfter]) => ({ code, status, retry, retryAfter }))

module.exports = { CODES, located, python }
