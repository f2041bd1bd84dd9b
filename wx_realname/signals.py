"""Signals for the site. All are sent robustly: a failing receiver is logged, and changes nothing.

Of records, after the commit, with `verification` and `user`: `verification_succeeded`,
`verification_rejected`, `verification_erased`.

For metrics, with `sender=None`, while a citizen waits and in any thread. Each argument takes few values,
fit for a label, and holds nothing of a citizen's:

* `attempt_ended`: `merchant`, `method`, `status`, `error_code` (empty after success), `seconds`
* `wechat_asked`: `call` (its path), `seconds` until WeChat answered or was given up
* `access_token_fetched`: `forced`
* `cache_missed`: the cache was asked for the access_token and had none, or was down
"""

from django.dispatch import Signal

verification_succeeded = Signal()
verification_rejected = Signal()
verification_erased = Signal()

attempt_ended = Signal()
wechat_asked = Signal()
access_token_fetched = Signal()
cache_missed = Signal()
