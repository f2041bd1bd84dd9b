/** The server's error table, asked of the Python code itself: PYTHON names one that has wx_realname's requirements. */

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

/** @type {{code: string, status: number, retry: string, retryAfter: number | null}[]} */
const CODES = JSON.parse(
  execFileSync(process.env.PYTHON || 'python3', ['-c', ASK], { cwd: REPOSITORY, encoding: 'utf8' }),
).map(([code, status, retry, retryAfter]) => ({ code, status, retry, retryAfter }))

module.exports = { CODES }
