"""`python -m wx_realname.sandbox`, as a process."""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from tests.cases import each
from tests.test_sandbox.client import APP, MCH, SECRET, STABLE, Json, parsed
from wx_realname.management.commands import realname_sandbox
from wx_realname.sandbox import VERIFY_RETS, MerchantKey, Sandbox
from wx_realname.sandbox.__main__ import SECRET_VARIABLE, _parser, main
from wx_realname.sandbox.faults.table import FAULTS
from wx_realname.sandbox.faults.trouble import Chosen


class Cli:
    """`python -m wx_realname.sandbox`, as a process."""

    def __init__(self, *arguments: str, secret: str | None = None) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("WX_REALNAME_")}
        env |= {"WX_REALNAME_APP_SECRET": secret} if secret else {}
        env["PYTHONPATH"] = str(Path(__file__).parents[2])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wx_realname.sandbox", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        self.out = ""

    def __enter__(self) -> Cli:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.process.communicate()

    def url(self) -> str:
        """Wait for the line with the address."""
        assert self.process.stdout is not None
        while not (found := re.search(r"ready at (\S+)", self.out)):
            readable, _, _ = select.select([self.process.stdout], [], [], 30)
            chunk = os.read(self.process.stdout.fileno(), 65536) if readable else b""
            assert chunk, "the sandbox never said its address"
            self.out += chunk.decode()
        return found[1]

    def end(self, signum: int | None = None) -> tuple[int, str]:
        """The exit code, after the signal, and what went to stderr."""
        if signum is not None:
            self.process.send_signal(signum)
        _, err = self.process.communicate(timeout=30)
        return self.process.returncode, err.decode()


@pytest.fixture
def certificate_file(tmp_path: Path, key: MerchantKey) -> str:
    path = tmp_path / "certificate.pem"
    path.write_bytes(key.certificate_pem)
    return str(path)


def options(certificate_file: str, *more: str) -> Sequence[str]:
    given = ("--app-id", APP, "--mch-id", MCH, "--certificate", certificate_file)
    return (*given, "--port", "0", *more)


def asked_for_a_token(url: str, app_id: str, secret: str) -> Json:
    body = {"grant_type": "client_credential", "appid": app_id, "secret": secret}
    return parsed(requests.post(url + STABLE, json=body, timeout=10))


@pytest.fixture
def refusal(
    certificate_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What is said to options that don't do. In this process: one of its own takes a second to start."""
    monkeypatch.chdir(Path(certificate_file).parent)
    Path("nonsense").write_text("nonsense")

    def refusal(*arguments: str, secret: str = SECRET) -> str:
        monkeypatch.setenv(SECRET_VARIABLE, secret)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        return capsys.readouterr().err

    return refusal


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_command_line_serves_until_a_signal(certificate_file: str, signum: int) -> None:
    with Cli(*options(certificate_file, "--token-lifetime", "60"), secret=SECRET) as cli:
        assert asked_for_a_token(cli.url(), APP, SECRET)["expires_in"] == 60
        code, err = cli.end(signum)
        assert code == 0
        assert "POST /cgi-bin/stable_token errcode 0" in err
        assert SECRET not in err


def test_the_secret_may_come_from_a_file(certificate_file: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    more = ("--app-secret-file", str(tmp_path / "secret"))
    with Cli(*options(certificate_file, *more), secret="not this one") as cli:
        assert "access_token" in asked_for_a_token(cli.url(), APP, SECRET)


def test_a_new_merchant_is_made_kept_private_and_served(tmp_path: Path) -> None:
    folder = tmp_path / "a merchant"
    with Cli("--new-merchant", str(folder), "--port", "0") as cli:
        url = cli.url()
        script = f"{cli.out.partition('WeChat sandbox')[0]}env -0"
        shell = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
        exported = dict(line.split("=", 1) for line in shell.stdout.decode().split("\0") if line)
        secret = (folder / "app_secret").read_text()
        assert exported["WX_REALNAME_APP_SECRET"] == secret
        assert exported["WX_REALNAME_API_BASE_URL"] == url
        assert "access_token" in asked_for_a_token(url, exported["WX_REALNAME_APP_ID"], secret)
        for variable in ("WX_REALNAME_PRIVATE_KEY_FILE", "WX_REALNAME_CERTIFICATE_FILE"):
            assert Path(exported[variable]).read_bytes().startswith(b"-----BEGIN ")
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
        assert secret not in cli.out
        assert "BEGIN" not in cli.out
        assert f" --port {url.rpartition(':')[2]}\n" in cli.out  # of the line that serves it again
    with Cli("--new-merchant", str(folder), "--port", "0") as cli:
        code, err = cli.end()
        assert (code, "is not overwritten" in err) == (2, True)
        assert (folder / "app_secret").read_text() == secret


GIVEN = options("certificate.pem")


@each(
    ("arguments", "says"),
    [
        (options("nonsense"), "not a certificate in PEM"),
        (options("none"), "--certificate: "),
        ((*GIVEN, "--rate", "0.5"), "--rate: the profile kind has no faults; choose one of real, "),
        ((*GIVEN, "--tls", "nonsense"), "--tls: "),
        ((), "give --app-id, or --new-merchant DIR"),
        (("--app-id", APP, "--mch-id", MCH), "give both --mch-id and --certificate, or neither"),
        (("--without", "camera"), "--without: invalid choice: 'camera'"),
        (("--new-merchant", "x", "--certificate", "y"), "--new-merchant makes its own"),
        (("--port", "70000"), "--port: must be a number from 0 to 65535"),
        (("--token-lifetime", "nan"), "--token-lifetime: must be a number of seconds"),
        (("--seed", "-1"), "--seed: must be a whole number from 0"),
        (("--rate", "2"), "--rate: must be a number from 0 to 1"),
        (("--profile", "mean"), "--profile: invalid choice: 'mean'"),
    ],
)
def test_options_that_do_not_do_say_which_to_give(
    refusal: Callable[..., str], arguments: Sequence[str], says: str
) -> None:
    assert says in refusal(*arguments)
    assert "set WX_REALNAME_APP_SECRET" in refusal(*GIVEN, secret="")


def test_a_taken_port_keeps_the_exports_and_every_option(sandbox: Sandbox, tmp_path: Path) -> None:
    port = sandbox.url.rpartition(":")[2]
    given = ["--port", port, "--token-lifetime", "60.0", "--profile", "unkind", "--seed", "7"]
    given += ["--rate", "0.5", "--tls", str(tmp_path / "a tls"), "--without", "button"]
    with Cli("--new-merchant", str(tmp_path / "m"), *given) as cli:
        out, err = cli.process.communicate(timeout=30)
    assert cli.process.returncode == 1 and b"Traceback" not in err
    assert f"can't listen on 127.0.0.1:{port}" in err.decode()
    lines = out.decode().splitlines()
    exported = [line.split("=")[0] for line in lines if line.startswith("export ")]
    names = ("APP_ID", "APP_SECRET", "MCH_ID", "PRIVATE_KEY_FILE", "CERTIFICATE_FILE")
    names += ("CATEGORY_ID", "API_BASE_URL")
    assert exported == [*(f"export WX_REALNAME_{n}" for n in names), "export REQUESTS_CA_BUNDLE"]
    assert f"export WX_REALNAME_API_BASE_URL=https://127.0.0.1:{port}" in lines
    again = shlex.split(lines[-1].removeprefix("# to serve it again: "))
    assert again[:3] == ["python", "-m", "wx_realname.sandbox"]
    assert again[-len(given) :] == given
    options = _parser().parse_args(again[3:])
    assert (options.port, options.without, options.seed) == (int(port), ["button"], 7)


def test_wrong_options_make_no_merchant(refusal: Callable[..., str]) -> None:
    """It would be there already when the corrected line is entered."""
    for wrong in (["--profile", "kind", "--rate", "0.1"], ["--tls", "nonsense"]):
        assert wrong[-2] in refusal("--new-merchant", "m", *wrong)
        assert not Path("m").exists()


def test_faces_alone_need_neither_merchant_number_nor_certificate() -> None:
    with Cli("--app-id", APP, "--port", "0", "--without", "check", secret=SECRET) as cli:
        (merchant,) = requests.get(f"{cli.url()}/sandbox/", timeout=10).json()["merchants"]
    assert (merchant["app_id"], merchant["mch_id"], merchant["cert_serialnos"]) == (APP, "", [])
    assert (merchant["check"], merchant["face"]) == (False, True)


def test_a_random_seed_is_told_at_the_start(certificate_file: str) -> None:
    with Cli(*options(certificate_file, "--profile", "real"), secret=SECRET) as cli:
        told = requests.get(f"{cli.url()}/sandbox/faults", timeout=10).json()
        assert f"the same again by --seed {told['seed']}\n" in cli.out


def test_the_faults_can_be_listed_without_a_merchant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-faults"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert len(lines) == len(FAULTS) + len(VERIFY_RETS)
    assert all(name in line for name, line in zip(FAULTS, lines, strict=False))
    assert "999999199001010008  says -1, system busy" in out
    assert "10004" in out


def test_the_list_of_faults_ends_quietly_when_nobody_reads_on() -> None:
    with Cli("--list-faults") as cli:
        stdout, stderr = cli.process.stdout, cli.process.stderr
        assert stdout and stderr
        stdout.close()
        assert (stderr.read(), cli.process.wait(timeout=30)) == (b"", 0)


def test_tls_on_the_command_line_says_which_ca_to_trust(tmp_path: Path) -> None:
    folder = tmp_path / "a tls"
    more = ("--new-merchant", str(tmp_path / "m"), "--port", "0", "--tls", str(folder))
    with Cli(*more) as cli:
        url = cli.url()
        assert url.startswith("https://127.0.0.1:")
        assert f"export REQUESTS_CA_BUNDLE='{folder / 'ca.pem'}'\n" in cli.out
        assert f"REQUESTS_CA_BUNDLE={folder / 'ca.pem'}\n" in cli.out
        ca = str(folder / "ca.pem")
        assert requests.get(f"{url}/sandbox/", verify=ca, timeout=10).status_code == 200


# --- manage.py realname_sandbox ---------------------------------------------------------------


def served_by_the_command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Sandbox:
    """The sandbox that the command would serve."""
    served: list[Sandbox] = []
    monkeypatch.setattr(realname_sandbox, "serve_until_signal", lambda s, say: served.append(s))
    call_command("realname_sandbox", "--port", "0", *arguments)
    return served[0]


def test_the_management_command_takes_the_same_options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    more = ("--profile", "unkind", "--seed", "3", "--rate", "0.4", "--tls", str(tmp_path))
    sandbox = served_by_the_command(monkeypatch, *more)
    assert sandbox.trouble == Chosen("unkind", 3, 0.4)
    assert sandbox.ca_file == tmp_path / "ca.pem"
    assert served_by_the_command(monkeypatch).trouble.profile == "kind"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--rate", "0.4"), "rate: the profile kind has no faults"), (("--tls", __file__), "--tls: ")],
)
def test_the_management_command_tells_what_cannot_be(
    monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        served_by_the_command(monkeypatch, *arguments)
