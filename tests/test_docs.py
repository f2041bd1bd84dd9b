"""The docs say all that the code has, in both languages, and their code runs."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.urls import get_resolver, path
from django.urls.resolvers import RoutePattern
from django.utils import translation

from docs import pages, tables, words
from tests import pictures
from tests import settings as test_settings
from tests.cases import each
from tests.test_pytest_plugin import MADE_UP, SETTINGS, URLS, run_pytest
from wx_realname import conf
from wx_realname.exceptions import BY_CODE, UnreadableAnswer
from wx_realname.models import Verification
from wx_realname.sandbox import __main__ as sandbox_main
from wx_realname.services import exchange
from wx_realname.services.operation import application
from wx_realname.wechat.errcodes import ERRCODES
from wx_realname.wechat.verdicts import VERDICTS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
LANGUAGES = ("en", "zh")
PAGES = sorted(path.name for path in (DOCS / "en").glob("*.md"))
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"^<!-- from the code: (\w+) -->$", re.MULTILINE)
CHINESE = r"[\u4e00-\u9fff]"
WESTERN_PUNCTUATION = re.compile(f"{CHINESE}[,;:!?()]|[,;:!?(]{CHINESE}")


def text_of(language: str, page: str) -> str:
    return (DOCS / language / page).read_text(encoding="utf-8")


def prose(language: str, page: str) -> str:
    return FENCE.sub("", text_of(language, page))


def headings(language: str, page: str) -> list[str]:
    """Their levels, in order."""
    return re.findall(r"^(#+) ", prose(language, page), re.MULTILINE)


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """The code blocks in Python: page and code."""
    for page in PAGES:
        for indent, kind, code in FENCE.findall(text_of(language, page)):
            if kind == "python":
                yield page, re.sub(f"^{indent}", "", code, flags=re.MULTILINE)


def test_both_languages_have_the_same_pages() -> None:
    assert sorted(path.name for path in (DOCS / "zh").glob("*.md")) == PAGES
    assert {page.name for page in (DOCS / "en/images").iterdir()} == {
        page.name for page in (DOCS / "zh/images").iterdir()
    }


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    assert sorted(re.findall(r"[\w-]+\.md", nav)) == PAGES


@each("page", PAGES)
def test_both_languages_have_the_same_headings_tables_and_code(page: str) -> None:
    english, chinese = headings("en", page), headings("zh", page)
    assert english == chinese
    for what in (MARKER, FENCE):
        found = [what.findall(text_of(language, page)) for language in LANGUAGES]
        assert len(found[0]) == len(found[1])
    assert MARKER.findall(text_of("en", page)) == MARKER.findall(text_of("zh", page))
    rows = [len(re.findall(r"^\|", prose(language, page), re.MULTILINE)) for language in LANGUAGES]
    assert rows[0] == rows[1]


@each("page", PAGES)
def test_chinese_pages_have_chinese_punctuation(page: str) -> None:
    plain = re.sub(r"`[^`]*`", "", pages.PART.sub("", prose("zh", page)))
    assert not WESTERN_PUNCTUATION.findall(plain)


@pytest.mark.once
@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: f"{page.parent.name}/{page.name}")
def test_a_page_has_what_the_code_says_and_a_link_to_its_twin(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages.written(page), "run `make pages`"


def test_no_page_has_what_only_mkdocs_or_this_machine_would_know() -> None:
    """On a code host a template would be empty."""
    for page in pages.pages():
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"\{\{|\{%|--8<--", FENCE.sub("", text)), page
        assert not re.search(r"/(tmp|work|home|root)/|index-url", text), page


def test_every_table_is_on_a_page_and_every_marker_is_a_table() -> None:
    used = {name for page in PAGES for name in MARKER.findall(text_of("en", page))}
    assert used == set(tables.TABLES)


def check_ids() -> set[str]:
    files = ("checks.py", "database_checks.py", "deploy_checks.py")
    source = "".join((ROOT / "wx_realname" / name).read_text(encoding="utf-8") for name in files)
    return set(re.findall(r'id="wx_realname\.(\w+)"', source))


def test_the_words_are_those_of_the_code() -> None:
    assert set(words.SETTINGS) == set(conf.NAMES)
    assert set(words.MERCHANT) == set(conf.MERCHANT_NAMES)
    assert set(words.APPLICATION) == set(application.NAMES)
    assert set(words.WHEN) == set(BY_CODE)
    assert set(words.CALLS) == {row.call for row in ERRCODES}
    assert set(words.BECOMES) == {row.becomes for row in VERDICTS}
    assert set(words.WHO) == {row.who for row in ERRCODES}
    assert (
        set(words.CHECKS) == check_ids() == set(tables.known_checks()) == set(tables.known_hints())
    )
    assert set(words.COMMANDS) == set(tables.known_commands())


def test_every_option_is_told_in_chinese_with_its_default() -> None:
    parsers = {
        name: command.create_parser("manage.py", name)
        for name, command in tables.known_commands().items()
    } | {"sandbox": sandbox_main._parser()}
    default = re.compile(r"[(（](\d[\d.]*?)(?:\.0)?[^\d.]")
    for name, parser in parsers.items():
        for action in tables.own_options(parser):
            chinese = words.OPTIONS.get(name, {}).get(tables.name_of(action), "")
            assert chinese, (name, tables.name_of(action))
            english = tables.said_of(action, parser)
            assert default.findall(english) == default.findall(chinese), (name, chinese)


def test_what_has_no_default_is_required(settings: Any) -> None:
    for name in tables.LEAST:
        settings.WX_REALNAME = {k: v for k, v in tables.LEAST.items() if k != name}
        with pytest.raises(conf.ConfigurationError, match=name):
            conf.current()
    for name in tables.LEAST["MERCHANTS"]["default"]:
        merchant = {k: v for k, v in tables.LEAST["MERCHANTS"]["default"].items() if k != name}
        settings.WX_REALNAME = tables.LEAST | {"MERCHANTS": {"default": merchant}}
        with pytest.raises(conf.ConfigurationError, match=name):
            conf.current()


@pytest.mark.skipif(os.name == "nt", reason="a shell's commands, and modes")
@pytest.mark.parametrize(
    "page", ["README.md", "README.zh-CN.md", "docs/en/tutorial.md", "docs/zh/tutorial.md"]
)
def test_the_file_of_the_keys_is_private_while_they_are_written(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ (.*realname_make_keys.*)$", text, re.MULTILINE)
    if ">>" in command:  # the merchant's lines were put there by hand
        (tmp_path / "realname.env").touch(0o644)
    writes = command.replace("python manage.py realname_make_keys", "stat -c MODE=%a realname.env")
    assert writes != command
    subprocess.run(["sh", "-ec", f"umask 022\n{writes}"], cwd=tmp_path, check=True)
    assert (tmp_path / "realname.env").read_text() == "MODE=600\n"


def test_the_tutorial_takes_ten_commands_and_the_same_in_both_languages() -> None:
    commands = [re.findall(r"^\$ (.+)$", text_of(it, "tutorial.md"), re.M) for it in LANGUAGES]
    assert len(commands[0]) <= 10
    assert commands[0] == commands[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tutorial_takes_two_settings_of_a_merchant(language: str) -> None:
    """And the address of the local WeChat."""
    found = re.findall(r"`([A-Z]+_[A-Z_]+)`", text_of(language, "tutorial.md"))
    assert found == ["APP_ID", "APP_SECRET", "API_BASE_URL"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_call_is_on_the_page_of_the_rest_interface(language: str) -> None:
    calls = [
        str(pattern.pattern)
        for resolver in get_resolver().url_patterns
        if getattr(resolver, "app_name", "") == "wx_realname"
        for pattern in resolver.url_patterns
        if isinstance(pattern.pattern, RoutePattern)
    ]
    page = (
        text_of(language, "rest.md")
        .replace("<id>", "<uuid:pk>")
        .replace("<purpose>", "<str:purpose>")
    )
    assert len(calls) == 12
    assert all(f" {call}`" in page for call in calls)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_permissions_answers_on_the_page_are_those_of_the_code(language: str) -> None:
    found = re.findall(r'^({"code".*?})$', text_of(language, "rest.md"), re.MULTILINE | re.DOTALL)
    told = [json.loads(answer) for answer in found]
    with translation.override(tables.LOCALES[language]):
        for code in ("real_name_required", "too_young"):
            assert BY_CODE[code]().detail in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_page_of_security_says_to_hold_is_there(language: str) -> None:
    named = re.findall(r"`(test_[\w/]+)`", text_of(language, "security.md"))
    assert named
    assert all((ROOT / f"tests/{name}.py").exists() for name in named)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_is_on_the_page_of_operations_with_its_labels(language: str) -> None:
    from wx_realname import prometheus  # it begins to count

    page = text_of(language, "operations.md")
    rows = re.findall(r"^\| `(wx_realname_\w+)` \|(.*)\|$", page, re.MULTILINE)
    told = {name.removesuffix("_total"): tuple(re.findall(r"\w+", labels)) for name, labels in rows}
    kinds = prometheus.Counter, prometheus.Histogram
    metrics = [metric for metric in vars(prometheus).values() if isinstance(metric, kinds)]
    assert told == {metric._name: metric._labelnames for metric in metrics}


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_health_check_of_the_docs_asks_the_database(
    language: str, rf: Any, django_assert_num_queries: Any
) -> None:
    page = text_of(language, "operations.md")
    code = next(code for _, kind, code in FENCE.findall(page) if "def healthz" in code)
    names: dict[str, Any] = {"urlpatterns": [], "path": path}
    exec(code, names)  # noqa: S102 - ours
    assert len(names["urlpatterns"]) == 1
    with django_assert_num_queries(1):
        assert names["healthz"](rf.get("/healthz")).status_code == 200


@each("language", LANGUAGES)
def test_python_blocks_compile_and_what_they_import_of_ours_is_there(language: str) -> None:
    for page, code in blocks(language):
        for node in ast.walk(ast.parse(code, f"{language}/{page}")):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("wx_realname"):
                for name in (alias.name for alias in node.names):
                    there = __import__(str(node.module), fromlist=[name])
                    assert hasattr(there, name), f"{page}: {node.module}.{name}"


READMES = {"en": "README.md", "zh": "README.zh-CN.md"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_readme_is_short_and_begins_with_what_a_stranger_asks(language: str) -> None:
    text = (ROOT / READMES[language]).read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) < 200
    first = "\n".join(lines[:30])
    for said in ("POST faces/", "2019-11-10", "2021-11-10", "$ make demo", "/images/simulator.png"):
        assert said in first
    for source in ("cityservice/FacialRecognitionVerify", "getrealnameinfo", "checkrealnameinfo"):
        assert source in first
    for way in ("pip install ./", 'pip install "git+', " dist && pip install "):
        assert way in text
    for address in re.findall(r"\]\(([\w./-]+)", text):
        assert (ROOT / address).exists(), address


def test_both_readmes_have_the_same_commands() -> None:
    """`tests/e2e/test_readme.py` runs those of the English one."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in READMES.values()]
    english, chinese = (re.findall(r"^\$ (.*?)(?:\s+#.*)?$", text, re.MULTILINE) for text in texts)
    assert english == chinese and len(english) > 5


def test_pictures_are_small() -> None:
    assert all(picture.stat().st_size <= 350_000 for picture in DOCS.glob("*/images/*"))


@pytest.mark.once
def test_the_ten_lines_that_test_an_integration_do(tmp_path: Path) -> None:
    """With the page's own pytest.ini and settings for CI."""
    files = re.findall(r"```\w+\n# (\S+)\n(.*?)```", text_of("en", "testing.md"), re.DOTALL)
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite/settings.py").write_text(SETTINGS)
    (tmp_path / "urls.py").write_text(URLS)
    for name, text in files:
        (tmp_path / name).write_text(text)
    assert [name for name, _ in files] == ["pytest.ini", "mysite/settings_ci.py"]
    example = (DOCS / "examples/test_integration.py").read_text(encoding="utf-8")
    (tmp_path / "test_it.py").write_text(example, encoding="utf-8")
    assert "1 passed" in run_pytest(tmp_path)


LOGGED_IN = """
import pytest


@pytest.mark.django_db
def test_who_logged_in_proves_a_real_name(client, wechat_sandbox, citizen, django_user_model):
    def post(path, body, **headers):
        return client.post(f"/api/{path}/", body, content_type="application/json", headers=headers)

    token = post("login", {"code": wechat_sandbox.issue_login_code("oEx4mple")}).json()["token"]
    user = django_user_model.objects.get(username="oEx4mple")
    assert not user.has_usable_password()

    body = {"auth_token": wechat_sandbox.issue_auth_token(citizen)}
    assert post("realname/verifications", body).status_code == 401
    answer = post("realname/verifications", body, Authorization=f"Bearer {token}")
    assert answer.json()["status"] == "verified"

    for wrong in ({"code": 1}, {}):
        assert list(post("login", wrong).json()["errors"]) == ["code"]
    assert post("login", {"code": "spent"}).json()["code"] == "invalid_code"
    django_user_model.objects.filter(username="oEx4mple").update(is_active=False)
    refused = post("login", {"code": wechat_sandbox.issue_login_code("oEx4mple")})
    assert refused.status_code == 403 and "disabled" in refused.json()["detail"]
"""


@pytest.mark.once
def test_the_login_of_the_docs_leads_to_a_real_name(tmp_path: Path) -> None:
    (tmp_path / "mysite").mkdir()
    for name in ("login", "login_settings", "login_urls"):
        shutil.copy(DOCS / f"examples/{name}.py", tmp_path / "mysite")
    of_the_page = "\nfrom mysite.login_settings import *\nROOT_URLCONF = 'mysite.login_urls'\n"
    (tmp_path / "settings.py").write_text(SETTINGS + MADE_UP + of_the_page)
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = settings\n")
    (tmp_path / "test_it.py").write_text(LOGGED_IN)
    assert "1 passed" in run_pytest(tmp_path)


class Device:
    """python-pkcs11 as far as the example uses it: a device that raises where OpenSSL returns junk."""

    def __init__(self) -> None:
        self.key: Any = load_pem_private_key(test_settings.merchant_key.private_key_pem, None)
        self.opened_with: tuple[str, str | None, str | None] | None = None
        self.fails = False

    def module(self) -> ModuleType:
        pkcs11: Any = ModuleType("pkcs11")
        pkcs11.lib = lambda path: self
        pkcs11.PKCS11Error = type("PKCS11Error", (Exception,), {})
        pkcs11.ObjectClass = type("ObjectClass", (), {"PRIVATE_KEY": "private"})
        pkcs11.Mechanism = type("Mechanism", (), {"SHA256_RSA_PKCS": "sign", "RSA_PKCS": "open"})
        return pkcs11

    def get_token(self, token_label: str) -> Device:
        self._token = token_label
        return self

    def open(self, user_pin: str | None) -> Device:
        self._pin = user_pin
        return self

    def get_key(self, object_class: str, label: str | None) -> Device:
        self.opened_with = (self._token, self._pin, label)
        return self

    def sign(self, message: bytes, mechanism: str) -> bytes:
        assert mechanism == "sign"
        return bytes(self.key.sign(message, padding.PKCS1v15(), SHA256()))

    def decrypt(self, ciphertext: bytes, mechanism: str) -> bytes:
        assert mechanism == "open"
        if self.fails:
            raise RuntimeError("CKR_ENCRYPTED_DATA_INVALID")
        return bytes(self.key.decrypt(ciphertext, padding.PKCS1v15()))


def test_the_pictures_are_of_the_pages_as_they_are() -> None:
    noted = json.loads(pictures.RENDERED.read_text())
    assert noted == pictures.fingerprints(), (
        "pages changed: run `make screenshots`, and look at them"
    )


@pytest.fixture
def device(
    monkeypatch: pytest.MonkeyPatch, configure: Callable[..., None], sandbox: Any, tmp_path: Path
) -> Device:
    """Named after the test: backends of the same settings are made once a process."""
    device = Device()
    monkeypatch.setitem(sys.modules, "pkcs11", device.module())
    monkeypatch.setenv("PKCS11_MODULE", "/usr/lib/softhsm/libsofthsm2.so")
    for name in ("pkcs11_key", "pkcs11_device"):
        monkeypatch.delitem(sys.modules, f"docs.examples.{name}", raising=False)
    configure(
        merchant={
            "KEY_BACKEND": "docs.examples.pkcs11_key.Pkcs11Key",
            "PRIVATE_KEY_FILE": tmp_path.name,
            "PRIVATE_KEY_PASSPHRASE": "1234",
        }
    )
    return device


@pytest.mark.django_db(transaction=True)
def test_the_key_backend_of_the_docs_exchanges(
    device: Device, user: Any, auth_token: str, tmp_path: Path
) -> None:
    row = exchange(user=user, auth_token=auth_token)
    assert row.status == Verification.Status.VERIFIED
    assert device.opened_with == ("1900000001", "1234", tmp_path.name)


@pytest.mark.django_db(transaction=True)
def test_a_device_that_raises_is_an_answer_that_cannot_be_read(
    device: Device, user: Any, auth_token: str
) -> None:
    device.fails = True
    with pytest.raises(UnreadableAnswer):
        exchange(user=user, auth_token=auth_token)
