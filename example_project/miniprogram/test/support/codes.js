/**
 * The server's error table, asked of the Python code itself: PYTHON names one that has wx_realname's requirements. A path
 * counts from the folder in which npm was called.
 */

const { execFileSync } = require('node:child_process')
const path = require('node:path')

const REPOSITORY = path.resolve(__dirname, '../../../..')
const ASK = `
import json
from django.conf import settings
settings.configure(USE_I18N=False)
from wx_realname.exceptions import BY_CODE
print(json.dumps([[c.code, c.status_code, c.retry, c.retry_after] for c in BY_CODE.values()]))
`

/** An executable's name stays as it is. */
const located = (python, from) => (/[\\/]/.test(python) ? path.resolve(from, python) : python)
const PYTHON = located(process.env.PYTHON || 'python3', process.env.INIT_CWD || process.cwd())

/** @type {{code: string, status: number, retry: string, retryAfter: number | null}[]} */
const CODES = JSON.parse(
  execFileSync(PYTHON, ['-c', ASK], { cwd: REPOSITORY, encoding: 'utf8' }),
).map(([code, status, retry, retryAfter]) => ({ code, status, retry, retryAfter }))

module.exports = { CODES, located }
