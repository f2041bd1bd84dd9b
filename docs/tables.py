"""The tables of the docs, made from the code: settings, errors, return codes, checks, commands.

What the code doesn't say in Chinese, and what a setting is for, stands in `docs/words.py`; a test holds
the words to the code.
"""

from __future__ import annotations

import argparse
import ast
import html
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import django
from django.conf import settings
from django.core.management import BaseCommand, load_command_class
from django.test import override_settings
from django.utils import translation

from docs import words

if not settings.configured:
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "wx_realname",
        ],
        USE_TZ=True,
    )
    django.setup()

from wx_realname import checks, conf, database_checks, deploy_checks
from wx_realname.exceptions import BY_CODE
from wx_realname.management import commands as command_package
from wx_realname.models import AuditEvent
from wx_realname.sandbox import VERIFY_RETS
from wx_realname.sandbox import __main__ as sandbox_main
from wx_realname.sandbox.verify_rets import BY_CREDENTIAL_ID
from wx_realname.services.operation import application
from wx_realname.wechat.categories import OPEN
from wx_realname.wechat.errcodes import ERRCODES
from wx_realname.wechat.verdicts import VERDICTS

LOCALES = {"en": "en", "zh": "zh-hans"}
_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

#: The least that WX_REALNAME can be: what is missing here has a default.
LEAST: dict[str, Any] = {
    "MERCHANTS": {"default": {"APP_ID": "wx1", "APP_SECRET": "s"}},
    "ENCRYPTION_KEYS": [f"k1:AES-256-GCM:{_KEY}"],
    "INDEX_KEYS": [f"i1:{_KEY}"],
}


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _code(text: object) -> str:
    return f"`{text}`"


def _pick(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english


@contextmanager
def _speaking(language: str) -> Iterator[None]:
    with translation.override(LOCALES[language]):
        yield


# --- settings -------------------------------------------------------------------------------------


def _default(value: object) -> str:
    if value is None or value == ():
        return "–"
    return _code(f"{value:g}" if isinstance(value, float) else value)


def _settings(language: str) -> str:
    with override_settings(WX_REALNAME=LEAST):
        current = conf.current()
    return _settings_table(language, conf.NAMES, LEAST, current, words.SETTINGS)


def _merchant_settings(language: str) -> str:
    with override_settings(WX_REALNAME=LEAST):
        merchant = conf.current().merchants["default"]
    least = LEAST["MERCHANTS"]["default"]
    return _settings_table(language, conf.MERCHANT_NAMES, least, merchant, words.MERCHANT)


def _settings_table(
    language: str, names: Iterable[str], least: Any, current: Any, said: words.Both
) -> str:
    required = _pick(language, "required", "必填")
    rows = (
        (
            _code(name),
            required if name in least else _default(getattr(current, name.lower(), None) or None),
            _pick(language, *said[name]),
        )
        for name in names
    )
    return _table(_pick(language, "name default what", "名称 默认值 说明").split(), rows)


def _application_names(language: str) -> str:
    rows = ((_code(name), _pick(language, *words.APPLICATION[name])) for name in application.NAMES)
    return _table(_pick(language, "name what", "名称 说明").split(), rows)


def _open_categories(language: str) -> str:
    """WeChat's own words; English readers meet them in the console as they are here."""
    heads = _pick(language, "first class|second class", "一级类目|二级类目").split("|")
    return _table(heads, ((row.first, row.second) for row in OPEN))


# --- errors ---------------------------------------------------------------------------------------


def _errors(language: str) -> str:
    heads = _pick(language, "code|HTTP|retry|when", "code|HTTP|retry|何时").split("|")
    found = sorted(BY_CODE.values(), key=lambda error: (error.status_code, error.code))
    rows = (
        (_code(error.code), error.status_code, _code(error.retry), _when(language, error.code))
        for error in found
    )
    return _table(heads, rows)


def _when(language: str, code: str) -> str:
    return _pick(language, *words.WHEN[code])


def _details(language: str) -> str:
    heads = _pick(language, "code|what the citizen reads", "code|用户看到的文字").split("|")
    with _speaking(language):
        return _table(heads, ((_code(error.code), error.words) for error in BY_CODE.values()))


def _errcodes(language: str) -> str:
    heads = _pick(
        language,
        "WeChat says|of|becomes|meaning|what to do|who",
        "微信返回码|调用|对应 code|含义|处理办法|谁",
    ).split("|")
    rows = (
        (
            _code(row.errcode),
            _pick(language, *words.CALLS[row.call]),
            _code(row.code),
            _pick(language, row.meaning_en, row.meaning_zh),
            _pick(language, row.remedy_en, row.remedy_zh),
            _pick(language, *words.WHO[row.who]),
        )
        for row in ERRCODES
    )
    return _table(heads, rows)


def _verdicts(language: str) -> str:
    heads = _pick(
        language,
        "verify_ret|becomes|the record|meaning|what to do|who",
        "verify_ret|对应 code|记录|含义|处理办法|谁",
    ).split("|")
    rows = (
        (
            _code(row.verify_ret),
            _code(row.code) if row.code else "–",
            _pick(language, *words.BECOMES[row.becomes]),
            _pick(language, row.meaning_en, row.meaning_zh),
            _pick(language, row.remedy_en, row.remedy_zh),
            _pick(language, *words.WHO[row.who]),
        )
        for row in VERDICTS
    )
    return _table(heads, rows)


# --- checks ---------------------------------------------------------------------------------------

_CHECK = re.compile(r"\b([EWI]\d{3}): ")


def known_checks() -> dict[str, tuple[str, str]]:
    """Each check's id: the option without which nobody looks, and what its docstring says."""
    found = {}
    for module in (checks, database_checks, deploy_checks):
        for _, function in inspect.getmembers(module, inspect.isfunction):
            text = " ".join((inspect.getdoc(function) or "").split())
            parts = _CHECK.split(text)[1:]
            for id_, says in zip(parts[::2], parts[1::2], strict=True):
                found[id_] = (_option(function), says.strip())
    return dict(sorted(found.items()))


def _option(function: Callable[..., Any]) -> str:
    if "databases" in inspect.signature(function).parameters:
        return "--database"
    return "--deploy" if function in deploy_checks.DEPLOY else ""


def known_hints() -> dict[str, str]:
    """Each check's id and its hint, where that is a text: one that is put together names what it found."""
    found: dict[str, str] = {}
    for module in (checks, database_checks, deploy_checks):
        for function in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(function, ast.FunctionDef):
                found |= _hints_of(function)
    return found


def _hints_of(function: ast.FunctionDef) -> dict[str, str]:
    found, named = {}, {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named[node.targets[0].id, node.lineno] = node.value
    for call in ast.walk(function):
        said = {it.arg: it.value for it in call.keywords} if isinstance(call, ast.Call) else {}
        if "hint" in said and "id" in said:
            hint = said["hint"]
            if isinstance(hint, ast.Name):  # assigned above, the last time counts
                lines = [at for name, at in named if name == hint.id and at < call.lineno]
                hint = named[hint.id, max(lines)]
            if isinstance(hint, ast.BoolOp):  # a special one, or else the usual
                hint = hint.values[-1]
            if isinstance(hint, ast.Constant):
                found[ast.literal_eval(said["id"]).partition(".")[2]] = str(hint.value)
    return found


def _checks(language: str) -> str:
    hints = known_hints()
    levels = dict(
        zip("EWI", _pick(language, "error warning info", "错误 警告 提示").split(), strict=True)
    )
    rows = []
    for id_, (option, says) in known_checks().items():
        told = words.CHECKS[id_] if language == "zh" else (says[0].upper() + says[1:], hints[id_])
        when = _code(option) if option else _pick(language, "always", "总是")
        rows.append(
            (
                _code(f"wx_realname.{id_}"),
                levels[id_[0]],
                when,
                *(html.escape(text, quote=False) for text in told),
            )
        )
    heads = _pick(language, "id|level|when|what is wrong|way out", "编号|级别|何时|问题|解决办法")
    return _table(heads.split("|"), rows)


# --- commands -------------------------------------------------------------------------------------


def known_commands() -> dict[str, BaseCommand]:
    """Each management command of ours, by its name."""
    names = sorted(module.name for module in pkgutil.iter_modules(command_package.__path__))
    return {name: load_command_class("wx_realname", name) for name in names}


def own_options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments and options that Django's commands don't all have."""
    common = {
        option
        for action in BaseCommand().create_parser("manage.py", "any")._actions
        for option in action.option_strings
    }
    return [a for a in parser._actions if name_of(a) not in common]


def name_of(action: argparse.Action) -> str:
    """As it is typed; an argument without a name as `--help` shows it."""
    return action.option_strings[0] if action.option_strings else action.dest.upper()


def said_of(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """An option's help, as `--help` shows it."""
    formatter = parser._get_formatter()
    return formatter._expand_help(action) if action.help else ""


def _options(language: str, name: str, parser: argparse.ArgumentParser) -> str:
    rows = (
        (
            _code(" ".join(filter(None, [name_of(action), _value(action)]))),
            (_pick(language, "required; ", "必填；") if action.required else "")
            + html.escape(
                _pick(
                    language,
                    said_of(action, parser),
                    words.OPTIONS[name].get(name_of(action), said_of(action, parser)),
                ),
                quote=False,
            ),
        )
        for action in own_options(parser)
    )
    return _table(_pick(language, "option what", "选项 说明").split(), rows)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0 or not action.option_strings:
        return ""
    if action.choices:
        return f"{{{','.join(map(str, action.choices))}}}"
    return str(action.metavar or action.dest.upper())


def _commands(language: str) -> str:
    parts = []
    for name, command in known_commands().items():
        parser = command.create_parser("manage.py", name)
        parts += [
            f"## {name}",
            _pick(language, command.help, words.COMMANDS.get(name, command.help)),
        ]
        if own_options(parser):
            parts.append(_options(language, name, parser))
    return "\n\n".join(parts)


def _sandbox_options(language: str) -> str:
    return _options(language, "sandbox", sandbox_main._parser())


def _verify_rets(language: str) -> str:
    numbers: dict[str, list[tuple[int, str]]] = {}
    for number, verify_ret in BY_CREDENTIAL_ID.items():
        numbers.setdefault(VERIFY_RETS[verify_ret], []).append((verify_ret, number))
    rows = [
        (
            " ".join(_code(verify_ret) for verify_ret, _ in same),
            _pick(language, english, words.VERIFY_RETS[english]),
            " ".join(_code(number) for _, number in same),
        )
        for english, same in numbers.items()
    ]
    heads = _pick(language, "verify_ret|what|ID number", "verify_ret|含义|身份证号")
    return _table(heads.split("|"), rows)


def _events(language: str) -> str:
    with _speaking(language):  # a label is translated when it becomes a text
        rows = [(_code(event.value), str(event.label)) for event in AuditEvent.Event]
    return _table(_pick(language, "event what", "事件 含义").split(), rows)


TABLES: dict[str, Callable[[str], str]] = {
    "settings": _settings,
    "merchant_settings": _merchant_settings,
    "application": _application_names,
    "open_categories": _open_categories,
    "errors": _errors,
    "details": _details,
    "errcodes": _errcodes,
    "verdicts": _verdicts,
    "checks": _checks,
    "commands": _commands,
    "sandbox_options": _sandbox_options,
    "sandbox_verify_rets": _verify_rets,
    "events": _events,
}
