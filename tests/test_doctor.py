"""realname_doctor: a well merchant, and each fault that can be planted, found without a citizen."""

from __future__ import annotations

import io
import re
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from tests import settings as test_settings
from tests.console import ended
from tests.lying_wechat import CHECK, QUERY, TOKEN, LyingWeChat, identity, refuses, says
from wx_realname import conf, statistics
from wx_realname.sandbox import Merchant, Sandbox, make_merchant_key
from wx_realname.services.operation import remedies
from wx_realname.wechat.categories import is_open
from wx_realname.wechat.merchant_key import PemKey

pytestmark = pytest.mark.django_db
TOPICS = [
    "wechat",
    "cache",
    "key",
    "certificate",
    "clock",
    "access_token",
    "category",
    "exchange",
    "face",
    "check",
    "algorithms",
]
CATEGORIES = "/wxa/get_category"


def doctor() -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and by topic the level and the words."""
    out = io.StringIO()
    try:
        call_command("realname_doctor", stdout=out, no_color=True)
        code = 0
    except SystemExit as exit_:
        code = int(str(exit_.code))
    lines = [line.split(maxsplit=3) for line in out.getvalue().splitlines()]
    return code, {topic.rstrip(":"): (level, said) for level, _merchant, topic, said in lines}


def fault(topic: str) -> str:
    """What is said of the one topic that is at fault; the exit code is 1."""
    code, findings = doctor()
    assert code == 1
    assert [name for name, (level, _) in findings.items() if level == "fault"] == [topic]
    return findings[topic][1]


@pytest.fixture
def played(configure: Callable[..., None]) -> Iterator[Callable[..., Sandbox]]:
    """A local WeChat that knows another merchant than the settings."""
    running = []

    def play(clock: Callable[[], float] = time.time, *others: Merchant, **changes: Any) -> Sandbox:
        ours = test_settings.WX_REALNAME["MERCHANTS"]["default"]  # type: ignore[index]
        known: dict[str, Any] = {
            "app_id": ours["APP_ID"],
            "app_secret": ours["APP_SECRET"],
            "mch_id": ours["MCH_ID"],
            "certificates": (test_settings.merchant_key.certificate_pem,),
        }
        sandbox = Sandbox([Merchant(**known | changes), *others], clock=clock)
        sandbox.start()
        running.append(sandbox)
        configure(API_BASE_URL=sandbox.url)
        cache.clear()
        return sandbox

    yield play
    for sandbox in running:
        sandbox.stop()


def words(code: str, errcode: int) -> remedies.Words:
    return remedies.words(code, errcode)


def test_a_well_merchant_gets_a_line_for_each_thing_that_was_asked(sandbox: Sandbox) -> None:
    code, findings = doctor()
    assert code == 0 and list(findings) == TOPICS
    assert {level for level, _ in findings.values()} == {"ok"}
    assert findings["wechat"][1].startswith("Asks a local WeChat at 127.0.0.1:")
    assert "政务民生/社会保障" in findings["category"][1]


def test_it_changes_nothing_and_sends_no_citizens_token(sandbox: Sandbox) -> None:
    doctor()
    assert not any(entry.consumed for entry in sandbox.ledger)
    assert sandbox.totals["getrealnameinfo"] == 1


@pytest.mark.parametrize("errcode", [40125, 40013, 40164, 40243, 89503, 45009])
def test_a_refused_access_token_is_told_with_wechats_words_and_the_remedy(
    liar: LyingWeChat, errcode: int
) -> None:
    errmsg = "invalid ip 198.51.100.7 ipv6 ::1, not in whitelist rid: 1-2-3"
    liar.play(refuses(errcode, errmsg), path=TOKEN)
    said = fault("access_token")
    expected = remedies.words(
        "quota_exhausted" if errcode == 45009 else "misconfigured", errcode, "token"
    )
    assert errmsg in said and expected.meaning in said and expected.remedy in said


def test_a_wrong_secret_and_an_unknown_appid_are_told_apart(
    played: Callable[..., Sandbox],
) -> None:
    played(app_secret="another")
    assert "40125" in fault("access_token")
    played(app_id="wx0000000000000099")
    assert "40013" in fault("access_token")


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"button": False}, 94006),
        ({"mch_id": "1900000077"}, 94010),
        ({"certificates": (make_merchant_key().certificate_pem,)}, 94009),
    ],
)
def test_what_wechat_has_against_an_exchange_is_told(
    played: Callable[..., Sandbox], changes: dict[str, Any], errcode: int
) -> None:
    played(**changes)
    said = fault("exchange")
    assert str(errcode) in said and words("misconfigured", errcode).remedy in said


def test_a_merchant_number_of_another_appid(played: Callable[..., Sandbox]) -> None:
    ours = test_settings.WX_REALNAME["MERCHANTS"]["default"]  # type: ignore[index]
    certificates = (test_settings.merchant_key.certificate_pem,)
    other = Merchant("wx0000000000000055", "other", ours["MCH_ID"], certificates)
    played(time.time, other, mch_id="1900000077")
    assert "94007" in fault("exchange")


def test_a_wrong_signature(liar: LyingWeChat) -> None:
    _honest_about_categories(liar)
    liar.play(refuses(94003))
    assert words("misconfigured", 94003).remedy in fault("exchange")


@pytest.mark.parametrize("seconds", [-3_000, 3_000])
def test_a_clock_that_is_off_is_held_against_wechats(
    played: Callable[..., Sandbox], seconds: int
) -> None:
    played(lambda: time.time() - seconds)
    code, findings = doctor()
    assert (code, findings["clock"][0], findings["exchange"][0]) == (1, "fault", "fault")
    told = int(findings["clock"][1].split("clock is ")[1].split()[0])
    assert abs(told - seconds) < 30 and "NTP" in findings["clock"][1]
    assert "94008" in findings["exchange"][1]


def test_each_way_is_told_open_or_closed(liar: LyingWeChat, configure: Callable[..., None]) -> None:
    _honest_about_categories(liar)
    liar.play(refuses(94005))
    liar.play(refuses(48001), path=QUERY)
    liar.play(refuses(1005), path=CHECK)
    code, findings = doctor()
    assert code == 0 and findings["face"][0] == "warning" and findings["check"][0] == "ok"
    assert "48001" in findings["face"][1] and "2021-11-10" in findings["check"][1]
    for errcode in (84001, 84017, 84018, 84022, 40003):
        liar.play(refuses(errcode), path=QUERY)
        assert doctor()[1]["face"][0] == "ok"
    for script in (refuses(45009), refuses(40164), says(b"", 502)):
        liar.play(script, path=QUERY)
        code, findings = doctor()
        assert (code, findings["face"][0]) == (0, "warning")  # the button is there
    asked = next(call.body for call in liar.calls if call.path == QUERY)
    assert "realname_doctor" in asked["verify_id"] and asked["openid"] == "realname_doctor"


def test_a_mini_program_for_faces_alone(
    liar: LyingWeChat, settings: Any, configure: Callable[..., None]
) -> None:
    merchant = settings.WX_REALNAME["MERCHANTS"]["default"]
    least = {name: merchant[name] for name in ("APP_ID", "APP_SECRET")}
    settings.WX_REALNAME = settings.WX_REALNAME | {"MERCHANTS": {"default": least}}
    code, findings = doctor()
    assert (code, list(findings)) == (
        0,
        ["wechat", "cache", "clock", "access_token", "exchange", "face", "check", "algorithms"],
    )
    assert "MCH_ID" in findings["exchange"][1] and liar.exchanges == []
    liar.play(refuses(48001), path=QUERY)
    assert "48001" in fault("face")  # no other way is left
    liar.play(says({"errcode": 0, "errmsg": "", "verify_ret": 10006}), path=QUERY)
    said = fault("face")  # WeChat says the same in a verdict
    assert "10006" in said and "48001" not in said and "industry capabilities" in said
    liar.play(says({"errcode": 0, "errmsg": "", "verify_ret": 10017}), path=QUERY)
    assert doctor()[1]["face"][0] == "ok"  # an illegal id
    for malformed in (
        {},
        {"errcode": 0},
        {"verify_ret": 10017},
        {"errcode": 0, "verify_ret": "10017"},
    ):
        liar.play(says(malformed), path=QUERY)
        assert "without a return code or verdict" in fault("face")  # it refused nothing


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_refusal_ends_its_sentence_before_the_remedy(liar: LyingWeChat, language: str) -> None:
    liar.play(refuses(48001), path=QUERY)
    with translation.override(language):
        face = doctor()[1]["face"][1]
    said = {
        "en": "is not open to this appid (48001). The mini-program's administrator",
        "zh-hans": "该 appid 未开通人脸核身能力（48001）。请小程序管理员",
    }
    assert said[language] in face


def no_token(app_id: str) -> str:
    raise RuntimeError("the central service is down")


def test_a_provider_that_fails_is_not_taken_for_wechat(
    sandbox: Sandbox, configure: Callable[..., None]
) -> None:
    configure(merchant={"ACCESS_TOKEN_PROVIDER": "tests.test_doctor.no_token"})
    assert "ACCESS_TOKEN_PROVIDER" in fault("access_token")


def test_a_category_cannot_speak_to_the_terminal(liar: LyingWeChat) -> None:
    odd = {"first_class": "政务\x1b[31m", "second_class": "\r", "first_id": 99, "second_id": 904}
    liar.play(says({"errcode": 0, "category_list": [odd]}), path=CATEGORIES)
    liar.play(refuses(94005))
    _code, findings = doctor()
    assert findings["category"] == ("ok", "[99, 904] 政务[31m/ is on the open list.")


def test_nobody_answers(configure: Callable[..., None]) -> None:
    cache.clear()
    configure(API_BASE_URL="http://127.0.0.1:1")
    code, findings = doctor()
    assert code == 1 and list(findings) == [*TOPICS[:6], "algorithms"]
    assert findings["clock"][0] == "warning"
    assert "firewall" in findings["clock"][1] and "firewall" in findings["access_token"][1]


def test_an_ended_certificate_and_one_that_ends_soon(
    sandbox: Sandbox, configure: Callable[..., None], played: Callable[..., Sandbox]
) -> None:
    for days, level, left in ((-1, "fault", "-2 days left"), (9, "warning", "8 days left")):
        key = make_merchant_key(valid_for=timedelta(days=days))
        pems = {"PRIVATE_KEY": key.private_key_pem.decode()}
        pems |= {"CERTIFICATE": key.certificate_pem.decode(), "CERTIFICATE_FILE": None}
        configure(merchant=pems | {"PRIVATE_KEY_FILE": None})
        played(certificates=(key.certificate_pem,))
        code, findings = doctor()
        assert code == (level == "fault")
        assert findings["certificate"][0] == level
        assert (
            left in findings["certificate"][1] and "pay.weixin.qq.com" in findings["certificate"][1]
        )


def test_a_key_of_another_certificate_ends_the_examination(
    sandbox: Sandbox, configure: Callable[..., None]
) -> None:
    other = make_merchant_key().certificate_pem.decode()
    configure(merchant={"CERTIFICATE": other, "CERTIFICATE_FILE": None})
    code, findings = doctor()
    assert (code, list(findings)) == (1, ["wechat", "cache", "key", "algorithms"])
    assert "does not belong to the certificate" in findings["key"][1]


class BrokenDevice(PemKey):
    """Signs, and returns what isn't the plain text."""

    def decrypt(self, ciphertext: bytes) -> bytes:
        return super().decrypt(ciphertext)[:-1]


def test_a_device_that_does_not_decrypt(sandbox: Sandbox, configure: Callable[..., None]) -> None:
    configure(merchant={"KEY_BACKEND": "tests.test_doctor.BrokenDevice"})
    assert "KEY_BACKEND" in fault("key")


@pytest.mark.parametrize(
    ("category", "level", "said"),
    [
        ([98, 1], "fault", "[99, 904] 政务民生/社会保障"),
        ([1, 2], "fault", "工具/备忘录"),
        (None, "warning", "[304, 305]"),
    ],
)
def test_a_category_that_the_mini_program_lacks_or_that_is_not_open(
    sandbox: Sandbox, configure: Callable[..., None], category: Any, level: str, said: str
) -> None:
    configure(merchant={"CATEGORY_ID": category})
    code, findings = doctor()
    assert code == (level == "fault")
    assert findings["category"][0] == level and said in findings["category"][1]


def test_a_mini_program_without_any_open_category(liar: LyingWeChat) -> None:
    tool = {"first_class": "工具", "second_class": "备忘录", "first_id": 1, "second_id": 2}
    liar.play(says({"errcode": 0, "category_list": [tool]}), path=CATEGORIES)
    liar.play(refuses(94005))
    assert "mp.weixin.qq.com" in fault("category")


def test_what_a_busy_wechat_left_unexamined_is_no_success(liar: LyingWeChat) -> None:
    _honest_about_categories(liar)
    liar.play(refuses(-1))
    code, findings = doctor()
    assert (code, findings["exchange"][0]) == (1, "fault")


def test_a_stand_in_that_verifies_anybody_is_found_out(liar: LyingWeChat) -> None:
    _honest_about_categories(liar)
    liar.play(identity())
    assert "API_BASE_URL" in fault("exchange")


def test_more_calls_than_were_declared(sandbox: Sandbox, configure: Callable[..., None]) -> None:
    configure(merchant={"APPLICATION": {"PEAK_CALLS_PER_MINUTE": 2}})
    ended(timezone.now() - timedelta(days=2), 3)
    list(statistics.roll_up())
    code, findings = doctor()
    assert code == 0 and findings["usage"][0] == "warning"
    assert "peak 3 a minute" in findings["usage"][1]


def test_each_merchant_is_examined(
    sandbox: Sandbox, settings: Any, configure: Callable[..., None]
) -> None:
    ours = settings.WX_REALNAME["MERCHANTS"]["default"]
    configure(MERCHANTS={"default": ours, "clinic": ours | {"APP_SECRET": "another"}})
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("realname_doctor", stdout=out, no_color=True)
    assert "ok      default access_token" in out.getvalue()
    assert "fault   clinic access_token" in out.getvalue()


def test_settings_that_cannot_be_read_are_named(configure: Callable[..., None]) -> None:
    configure(STORAGE="paper")
    with pytest.raises(CommandError, match="STORAGE"):
        call_command("realname_doctor")


def test_it_speaks_chinese(sandbox: Sandbox, configure: Callable[..., None]) -> None:
    configure(merchant={"CATEGORY_ID": None})
    with translation.override("zh-hans"):
        _code, findings = doctor()
    assert all(re.search("[\u4e00-\u9fff]", said) for _level, said in findings.values())
    assert not re.search("[。；] |; ", findings["category"][1])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("政务民生", "社会保障", True),
        ("金融业", "银行", True),
        ("金融业", "网贷", False),
        ("医疗", "公立医疗机构", True),
        ("医疗", "私立医疗机构", False),
        ("交通服务", "网约车", True),
        ("快递业与邮政", "快递、物流", True),
        ("工具", "备忘录", False),
    ],
)
def test_which_categories_are_open(first: str, second: str, expected: bool) -> None:
    assert is_open({"first_class": first, "second_class": second}) is expected


def _honest_about_categories(liar: LyingWeChat) -> None:
    declared = conf.current().merchants["default"].category_id or (0, 0)
    ours = {"first_class": "政务民生", "first_id": declared[0], "second_id": declared[1]}
    liar.play(says({"errcode": 0, "category_list": [ours]}), path=CATEGORIES)


def test_where_the_way_to_wechat_ends_is_said(configure: Callable[..., None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    configure(API_BASE_URL=f"http://127.0.0.1:{port}")
    cache.clear()
    _, findings = doctor()
    for topic in ("clock", "access_token"):
        assert f"(nothing listens at 127.0.0.1:{port})" in findings[topic][1]
