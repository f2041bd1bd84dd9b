"""What a process had before a fork stays its own, also where Python's fork hooks aren't run."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time

import pytest

from tests.stand_ins import Seen, StandIn, http

# The C function, with the interpreter's lock held: as uWSGI forks, without `os.register_at_fork`.
FORKING = """
import ctypes, os, sys
from wx_realname.wechat.reading import Deadline
from wx_realname.wechat.transport import Transport

transport = Transport(sys.argv[1], connect_timeout=10, read_timeout=10)
fresh = sys.argv[2] == "fresh"

def ask(name):
    return transport.call("GET", "/", Deadline(30), query={"n": name}, fresh=fresh).get("n")

assert ask("parent") == "parent"
children = []
for child in range(4):
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        names = [f"{child}-{number}" for number in range(30)]
        os._exit(sum(ask(name) != name for name in names))
    children.append(pid)
wrong = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
assert ask("parent") == "parent"
print(wrong)
"""

LOCKED = """
import ctypes, os, threading
from wx_realname.wechat.per_process import PerProcess

lock = PerProcess(threading.Lock)
lock().acquire()
pid = ctypes.PyDLL(None).fork()
if pid == 0:
    os._exit(0 if lock().acquire(timeout=1) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), lock().locked())
"""


def echo(sock: socket.socket, seen: Seen) -> bool:
    time.sleep(0.002)
    sock.sendall(http(json.dumps({"n": seen.query["n"]}).encode()))
    return True


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows doesn't fork")
@pytest.mark.parametrize("how", ["fresh", "kept"])
def test_children_that_call_at_once_get_their_own_answers(server: StandIn, how: str) -> None:
    server.always(echo)
    assert run(FORKING, server.url, how) == "[0, 0, 0, 0]"
    assert len(server.requests) == 122
    assert server.connections == (122 if how == "fresh" else 5)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows doesn't fork")
def test_a_lock_held_at_the_fork_is_free_in_the_child() -> None:
    assert run(LOCKED) == "0 True"
