"""What a developer reads first on the page of the API."""

from django.utils.translation import gettext_lazy as _

INTRODUCTION = _(
    """A citizen's real name, by one of three ways. Log in first: `POST /api/login/` with the code of \
`wx.login`; every other call wants the token in its header, `Authorization: Bearer …`.

| way | calls | open to |
|---|---|---|
| face verification 2.0 | `POST /api/realname/faces/`, then `POST /api/realname/faces/{id}/result/` \
| new sites |
| button | `POST /api/realname/verifications/` | who had access before 2019-11-10 |
| check | `POST /api/realname/checks/` | who had access before 2021-11-10 |

Show the notice first (`GET /api/realname/notices/{purpose}/`), and hand its id on as `notice`.

**Errors** all have one shape: `code` for your program, `detail` for people, in the language of the request, \
`verification` (the record that keeps the outcome), `wechat` (what WeChat said) and `retry`.

**Retry** says what helps. `no`: nothing does, show the detail. `later`: the same call again after \
`Retry-After` seconds. `reauthorize`: begin anew with the citizen. Posting the same \
token again is safe: it gives the same record.

**Lists** come in pages: follow `next`. Times are UTC, ISO 8601. Nothing may be cached."""
)
