"""What the page's scripts say. What our server says comes from our server, in the same language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

TEXTS: Mapping[str, Text] = MappingProxyType(
    {
        # the phone
        "checking": _("Checking with WeChat…"),
        "opening": _("One moment…"),
        "digits": _("{count} of 6 digits entered"),
        "wrong-password": _("Wrong payment password. {left} tries left."),
        "withdrawn": _("Your consent is withdrawn, and your data is erased."),
        "retry": _("Try again"),
        "retry-in": _("Try again ({seconds})"),
        "reauthorize": _("Verify again"),
        "edit": _("Correct what I typed"),
        "restart": _("Open the mini-program anew"),
        "no-consent": _("Nothing was sent: the citizen didn't agree."),
        "no-notice-title": _("No notice yet"),
        "days": _("{count} days"),
        "until-withdrawn": _("until you withdraw"),
        "look": _("Look into the camera"),
        "blink": _("Blink, please"),
        "hold": _("Hold still"),
        "nothing-waits": _("Nothing waits: the verification didn't succeed. You can begin anew."),
        "settled-well": _(
            "Settled by our server: verified. It is there when the mini-program opens."
        ),
        "settled": _("Settled by our server: {end}"),
        "no-name": _("Please enter your name."),
        "no-number": _("This is not an ID number. Please look at it again."),
        # the wire
        "waiting": _("not yet"),
        "under-way": _("under way"),
        "done": _("done"),
        "failed": _("failed"),
        "characters": _("{count} characters"),
        "encrypted": _("encrypted for our certificate"),
        "signature": _("signed with our private key"),
        "seconds": _("the time, in seconds"),
        "secret": _("kept secret"),
        "not-agreed": _("No {token}: the citizen didn't agree."),
        "no-sandbox": _("The local WeChat gave no {token}."),
        "not-sent": _("Not sent: the phone has no network."),
        "answer-lost": _("The answer came, but the phone never got it."),
        "sent-twice": _("Sent twice at the same moment."),
        "wechat-not-asked": _("WeChat wasn't asked: our server knows this {token} already."),
        "wechat-not-reached": _("WeChat was not asked for this citizen's data."),
        "no-answer": _("No answer that makes sense."),
        "wechat-says": _("WeChat answers our server"),
        "we-say": _("Our server answers the mini-program"),
        "decrypts": _(
            "Our server decrypts name and number, stores them encrypted, and masks them."
        ),
        "matches": _("They match: our server stores what was typed encrypted, and masks it."),
        "differs": _(
            "The phone doesn't receive which of the two differs: nobody may guess numbers."
        ),
        "own-openid": _("the caller's own"),
        "one-try": _("our number for this try"),
        "hash": _("a hash of name and number"),
        "known-already": _("WeChat wasn't asked: our server knows how it ended."),
        "phone-counts-for-nothing": _("It says that the camera has ended, no more. It isn't sent."),
        "phone-was-wrong": _("The phone believed otherwise. WeChat's answer to our server counts."),
        "consumed": _("{token} consumed"),
    }
)


def _outcome(title: Text, advice: Text, tone: str = "warn") -> Mapping[str, Text]:
    return {"title": title, "advice": advice, "tone": tone}


_TELL_THE_OPERATOR = _("Nothing is wrong with your account. Please come back when it's mended.")
_NOTHING_LOST = _("Nothing is lost: the same authorization is sent again, and counts only once.")
_ONCE_MORE = _("Agree once more, and the authorization is made anew.")

#: For each error code of the interface, and for what happens in the phone alone, the next step in words.
OUTCOMES: Mapping[str, Mapping[str, Text]] = MappingProxyType(
    {
        "refused": _outcome(
            _("You didn't authorize"),
            _("Nothing was shared. You can do it at any time, or bring your ID card to a counter."),
            "calm",
        ),
        "locked": _outcome(
            _("Payment password locked"),
            _("It was wrong three times. Reset it in WeChat Pay, then open the mini-program anew."),
            "bad",
        ),
        "no_wechat_pay": _outcome(
            _("You have no WeChat Pay yet"),
            _("Add a bank card in WeChat first, or bring your ID card to a counter."),
        ),
        "no_real_name": _outcome(
            _("WeChat Pay doesn't know your name yet"),
            _("Verify your identity in WeChat Pay first, or bring your document to a counter."),
        ),
        "mismatch": _outcome(
            _("Name and number don't match"),
            _("Compare both with your ID card. Which one differs is not shown to anybody."),
        ),
        "invalid": _outcome(
            _("This can't be right"), _("Nothing was asked of WeChat. Look at what you typed.")
        ),
        "invalid_code": _outcome(_("This authorization doesn't hold"), _ONCE_MORE),
        "invalid_auth_token": _outcome(_("This authorization doesn't hold"), _ONCE_MORE),
        "auth_token_in_use": _outcome(_("This authorization doesn't hold"), _ONCE_MORE),
        "other_merchant": _outcome(_("This authorization doesn't hold"), _ONCE_MORE),
        "outcome_unknown": _outcome(_("We can't tell whether it worked"), _ONCE_MORE),
        "unreadable_answer": _outcome(_("We couldn't read the answer"), _ONCE_MORE),
        "wechat_busy": _outcome(_("WeChat is busy just now"), _NOTHING_LOST),
        "quota_exhausted": _outcome(
            _("WeChat's quota is used up"),
            _(
                "WeChat answers this service no more until tomorrow. Nothing that was given is lost."
            ),
        ),
        "wechat_unreachable": _outcome(_("WeChat can't be reached"), _NOTHING_LOST),
        "exchange_in_progress": _outcome(_("Still being checked"), _NOTHING_LOST, "calm"),
        "face_unclear": _outcome(
            _("Your face wasn't clear enough"),
            _("Find good light, take off hat and mask, and begin anew."),
        ),
        "face_cancelled": _outcome(
            _("You left the camera"),
            _("Nothing was decided. Begin anew, or bring your ID card to a counter."),
            "calm",
        ),
        "face_unsupported": _outcome(
            _("This phone can't verify your face"),
            _(
                "Allow WeChat the camera in the phone's settings, or bring your ID card to a counter."
            ),
        ),
        "face_not_finished": _outcome(
            _("WeChat hasn't finished yet"), _("Ask again in a moment. Nothing is lost."), "calm"
        ),
        "face_expired": _outcome(
            _("This took too long"), _("A verification lives for an hour. Begin anew.")
        ),
        "minor": _outcome(
            _("Under fourteen: come with a parent"),
            _("Nothing about you was kept. A parent or guardian can apply at a counter."),
            "calm",
        ),
        "consent_required": _outcome(
            _("Your consent is needed"), _("Read the notice and agree to it, then go on."), "calm"
        ),
        "throttled": _outcome(_("Slowly, please"), _("Wait until the button comes back.")),
        "misconfigured": _outcome(_("Out of service"), _TELL_THE_OPERATOR, "bad"),
        "wechat_error": _outcome(_("WeChat refused"), _TELL_THE_OPERATOR, "bad"),
        "not_authenticated": _outcome(
            _("You are logged out"), _("Open the mini-program anew to log in."), "calm"
        ),
        "network_gone": _outcome(_("No network"), _NOTHING_LOST),
        "sandbox_gone": _outcome(
            _("The local WeChat is gone"), _("Start it again, then reload this page."), "bad"
        ),
        "other": _outcome(_("Something went wrong"), _TELL_THE_OPERATOR, "bad"),
    }
)
