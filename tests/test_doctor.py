"""realname_doctor: a well merchant, and each fault that can be planted, found without a citizen."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone, translation

from tests import settings as test_settings
from tests.cases import each
from tests.console import ended
from tests.lying_wechat import CHECK, QUERY, TOKEN, LyingWeChat, Script, identity, refuses, says
from tests.test_outages import closed_port
from wx_realname import statistics
from wx_realname.sandbox import Merchant, Sandbox, make_merchant_key
from wx_realname.services.operation import remedies
from wx_realname.wechat.categories import is_open
from wx_realname.wechat.merchant_key import PemKey

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
OURS = test_settings.WX_REALNAME["MERCHANTS"]["default"]
CERTIFICATES = (test_settings.merchant_key.certificate_pem,)
TOPICS = ["wechat", "cache", "key", "certificate", "clock", "access_token"]
TOPICS += ["category", "exchange", "face", "check", "algorithms"]
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
def played(configure: Configure) -> Iterator[Callable[..., Sandbox]]:
    """A local WeChat that knows another merchant than the settings."""
    running = []

    def play(*others: Merchant, clock: Callable[[], float] = time.time, **changes: Any) -> None:
        known = {name.lower(): OURS[name] for name in ("APP_ID", "APP_SECRET", "MCH_ID")}
        ours = Merchant(**known | {"certificates": CERTIFICATES} | changes)
        sandbox = Sandbox([ours, *others], clock=clock)
        sandbox.start()
        running.append(sandbox)
        configure(API_BASE_URL=sandbox.url)
        cache.clear()

    yield play
    for sandbox in running:
        sandbox.stop()


def test_a_well_merchant_gets_a_line_for_each_thing_and_no_citizens_token_is_sent(
    sandbox: Sandbox,
) -> None:
    code, findings = doctor()
    assert code == 0 and list(findings) == TOPICS
    assert {level for level, _ in findings.values()} == {"ok"}
    assert findings["wechat"][1].startswith("Asks a local WeChat at 127.0.0.1:")
    assert "政务民生/社会保障" in findings["category"][1]
    assert not any(entry.consumed for entry in sandbox.ledger)
    assert sandbox.totals["getrealnameinfo"] == 1


@pytest.mark.parametrize("errcode", [40125, 40013, 40164, 40243, 89503, 45009])
def test_a_refused_access_token_is_told_with_wechats_words_and_the_remedy(
    liar: LyingWeChat, errcode: int
) -> None:
    errmsg = "invalid ip 198.51.100.7 ipv6 ::1, not in whitelist rid: 1-2-3"
    liar.play(refuses(errcode, errmsg), path=TOKEN)
    said = fault("access_token")
    code = "quota_exhausted" if errcode == 45009 else "misconfigured"
    expected = remedies.words(code, errcode, "token")
    assert errmsg in said and expected.meaning in said and expected.remedy in said


OTHER = Merchant("wx0000000000000055", "other", OURS["MCH_ID"], CERTIFICATES)


@pytest.mark.parametrize(
    ("others", "changes", "topic", "errcode"),
    [
        ([], {"app_secret": "another"}, "access_token", 40125),
        ([], {"app_id": "wx0000000000000099"}, "access_token", 40013),
        ([], {"button": False}, "exchange", 94006),
        ([], {"mch_id": "1900000077"}, "exchange", 94010),
        ([OTHER], {"mch_id": "1900000077"}, "exchange", 94007),  # the number is another appid's
        ([], {"certificates": (make_merchant_key().certificate_pem,)}, "exchange", 94009),
    ],
)
def test_what_wechat_has_against_a_merchant_is_told(
    played: Callable[..., None], others: Any, changes: dict[str, Any], topic: str, errcode: int
) -> None:
    played(*others, **changes)
    said = fault(topic)
    assert str(errcode) in said
    if topic == "exchange":
        assert remedies.words("misconfigured", errcode).remedy in said


SOCIAL = {"first_class": "政务民生", "second_class": "社会保障", "first_id": 99, "second_id": 904}
TOOL = {"first_class": "工具", "second_class": "备忘录", "first_id": 1, "second_id": 2}


@pytest.mark.parametrize(
    ("script", "category", "topic", "said"),
    [
        (refuses(94003), SOCIAL, "exchange", remedies.words("misconfigured", 94003).remedy),
        (refuses(-1), SOCIAL, "exchange", ""),  # what a busy WeChat left unexamined is no success
        (identity(), SOCIAL, "exchange", "API_BASE_URL"),  # a stand-in that verifies anybody
        (refuses(94005), TOOL, "category", "mp.weixin.qq.com"),
    ],
    ids=["a wrong signature", "busy", "a stand-in", "no open category"],
)
def test_an_answer_that_is_not_a_well_merchants_is_a_fault(
    liar: LyingWeChat, script: Script, category: dict[str, Any], topic: str, said: str
) -> None:
    has_categories(liar, category)
    liar.play(script)
    assert said in fault(topic)


def test_a_category_cannot_speak_to_the_terminal(liar: LyingWeChat) -> None:
    has_categories(liar, SOCIAL | {"first_class": "政务\x1b[31m", "second_class": "\r"})
    liar.play(refuses(94005))
    _code, findings = doctor()
    assert findings["category"] == ("ok", "[99, 904] 政务[31m/ is on the open list.")


def has_categories(liar: LyingWeChat, *categories: dict[str, Any]) -> None:
    liar.play(says({"errcode": 0, "category_list": categories}), path=CATEGORIES)


@pytest.mark.parametrize("seconds", [-3_000, 3_000])
def test_a_clock_that_is_off_is_held_against_wechats(
    played: Callable[..., Sandbox], seconds: int
) -> None:
    played(clock=lambda: time.time() - seconds)
    code, findings = doctor()
    assert (code, findings["clock"][0], findings["exchange"][0]) == (1, "fault", "fault")
    told = int(findings["clock"][1].split("clock is ")[1].split()[0])
    assert abs(told - seconds) < 30 and "NTP" in findings["clock"][1]
    assert "94008" in findings["exchange"][1]


def test_each_way_is_told_open_or_closed(liar: LyingWeChat, configure: Configure) -> None:
    has_categories(liar, SOCIAL)
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


def test_a_mini_program_for_faces_alone(liar: LyingWeChat, configure: Configure) -> None:
    least = {name: OURS[name] for name in ("APP_ID", "APP_SECRET")}
    configure(MERCHANTS={"default": least})
    code, findings = doctor()
    none_for_it = {"key", "certificate", "category"}
    assert (code, list(findings)) == (0, [topic for topic in TOPICS if topic not in none_for_it])
    assert "MCH_ID" in findings["exchange"][1] and liar.exchanges == []
    liar.play(refuses(48001), path=QUERY)
    assert "48001" in fault("face")  # no other way is left
    liar.play(says({"errcode": 0, "errmsg": "", "verify_ret": 10006}), path=QUERY)
    said = fault("face")  # WeChat says the same in a verdict
    assert "10006" in said and "48001" not in said and "industry capabilities" in said
    liar.play(says({"errcode": 0, "errmsg": "", "verify_ret": 10017}), path=QUERY)
    assert doctor()[1]["face"][0] == "ok"  # an illegal id
    verdict = {"verify_ret": 10017}
    for malformed in ({}, {"errcode": 0}, verdict, {"errcode": 0, "verify_ret": "10017"}):
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


def test_where_the_way_to_wechat_ends_is_said(configure: Configure) -> None:
    cache.clear()
    port = closed_port()
    configure(API_BASE_URL=f"http://127.0.0.1:{port}")
    code, findings = doctor()
    assert code == 1 and list(findings) == [*TOPICS[:6], "algorithms"]
    assert findings["clock"][0] == "warning"
    for _, said in (findings["clock"], findings["access_token"]):
        assert f"(nothing listens at 127.0.0.1:{port})" in said and "firewall" in said


@pytest.mark.parametrize(
    ("days", "level", "left"), [(-1, "fault", "-2 days left"), (9, "warning", "8 days left")]
)
def test_an_ended_certificate_and_one_that_ends_soon(
    configure: Configure, played: Callable[..., None], days: int, level: str, left: str
) -> None:
    key = make_merchant_key(valid_for=timedelta(days=days))
    pems = {"PRIVATE_KEY": key.private_key_pem.decode(), "PRIVATE_KEY_FILE": None}
    pems |= {"CERTIFICATE": key.certificate_pem.decode(), "CERTIFICATE_FILE": None}
    configure(merchant=pems)
    played(certificates=(key.certificate_pem,))
    code, findings = doctor()
    assert (code, findings["certificate"][0]) == (level == "fault", level)
    assert left in findings["certificate"][1] and "pay.weixin.qq.com" in findings["certificate"][1]


def test_a_key_of_another_certificate_ends_the_examination(
    sandbox: Sandbox, configure: Configure
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


def no_token(app_id: str) -> str:
    raise RuntimeError("the central service is down")


@pytest.mark.parametrize(
    ("setting", "own", "topic"),
    [("KEY_BACKEND", "BrokenDevice", "key"), ("ACCESS_TOKEN_PROVIDER", "no_token", "access_token")],
)
def test_a_part_of_the_hosts_that_fails_is_named(
    sandbox: Sandbox, configure: Configure, setting: str, own: str, topic: str
) -> None:
    configure(merchant={setting: f"{__name__}.{own}"})
    assert setting in fault(topic)


@pytest.mark.parametrize(
    ("category", "level", "said"),
    [
        ([98, 1], "fault", "[99, 904] 政务民生/社会保障"),
        ([1, 2], "fault", "工具/备忘录"),
        (None, "warning", "[304, 305]"),
    ],
)
def test_a_category_that_the_mini_program_lacks_or_that_is_not_open(
    sandbox: Sandbox, configure: Configure, category: Any, level: str, said: str
) -> None:
    configure(merchant={"CATEGORY_ID": category})
    code, findings = doctor()
    assert code == (level == "fault")
    assert findings["category"][0] == level and said in findings["category"][1]


def test_more_calls_than_were_declared(sandbox: Sandbox, configure: Configure) -> None:
    configure(merchant={"APPLICATION": {"PEAK_CALLS_PER_MINUTE": 2}})
    ended(timezone.now() - timedelta(days=2), 3)
    list(statistics.roll_up())
    code, findings = doctor()
    assert code == 0 and findings["usage"][0] == "warning"
    assert "peak 3 a minute" in findings["usage"][1]


def test_each_merchant_is_examined(sandbox: Sandbox, configure: Configure) -> None:
    configure(MERCHANTS={"default": OURS, "clinic": OURS | {"APP_SECRET": "another"}})
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("realname_doctor", stdout=out, no_color=True)
    assert "ok      default access_token" in out.getvalue()
    assert "fault   clinic access_token" in out.getvalue()


def test_it_speaks_chinese(sandbox: Sandbox, configure: Configure) -> None:
    configure(merchant={"CATEGORY_ID": None})
    with translation.override("zh-hans"):
        _code, findings = doctor()
    assert all(re.search("[\u4e00-\u9fff]", said) for _level, said in findings.values())
    assert not re.search("[。；] |; ", findings["category"][1])


OPEN = {
    True: [
        "政务民生/社会保障",
        "金融业/银行",
        "医疗/公立医疗机构",
        "交通服务/网约车",
        "快递业与邮政/快递、物流",
    ],
    False: ["金融业/网贷", "医疗/私立医疗机构", "工具/备忘录"],
}


@each(("expected", "categories"), OPEN.items())
def test_which_categories_are_open(expected: bool, categories: list[str]) -> None:
    for category in categories:
        first, second = category.split("/")
        assert is_open({"first_class": first, "second_class": second}) is expected, category
