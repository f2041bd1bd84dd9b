"""One run: our exchange beside other ways to write it. Imported once Django is ready."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256

from django.db import connection
from django.utils.timezone import now

from wx_realname.models import Notice
from wx_realname.services.rights import notices

from . import served, storage, ways
from .blocks import Way, block, measured, ratio, ratios
from .calls import OURS, Caller
from .floor import Replay, heard
from .picture import OURS as TITLE
from .report import Results, machine
from .upstream import Upstream

FAST = 8  # calls of a fast way in a block
LATENCIES = (0.0, 0.05, 0.3)  # seconds
CLIENTS = (1, 16, 64)
LOOKED_UP = "/looked-up/"


def run(upstream: Upstream, blocks: int, *, quick: bool) -> Results:
    """Measure all there is to measure."""
    results = Results(machine(connection.display_name), blocks)
    caller = Caller()
    results.statements = _learn_the_floor(caller)
    _in_process(results, caller)
    _with_consent(results, caller)
    _waiting(results, caller, upstream)
    _served(results, caller, upstream, *((CLIENTS[:2], 0.2) if quick else (CLIENTS, 5)))
    results.bytes_per_record = storage.bytes_per_record(2_000 if quick else 20_000)
    return results


def _learn_the_floor(caller: Caller) -> list[str]:
    """Hear what one of our exchanges sends, and keep it for the floor."""
    for _ in range(3):
        caller.call(OURS)  # whatever is done once a process is done
    return _learn(partial(caller.call, OURS), ways.REPLAY)


def _learn(call: Callable[[], float], name: str) -> list[str]:
    with heard() as statements:
        call()
    Replay(statements).save(ways.KEY_FILE.parent / name)
    return [sql.split()[0] for sql, _ in statements]


def _with_consent(results: Results, caller: Caller) -> None:
    """Ours with a consent, beside a floor that has its INSERTs, too."""
    ours = partial(caller.call, OURS, notice=_published())
    _learn(ours, ways.REPLAY_WITH_CONSENT)
    floor = ways.ConsentedFloor
    taking_turns = {
        floor.title: Way(partial(caller.call, f"/{floor.name}/"), FAST),
        TITLE: Way(ours, FAST),
    }
    block(taking_turns)  # warms up
    means = measured(taking_turns, results.blocks, _say("with consent"))
    results.consented = {TITLE: ratio(means, TITLE, floor.title)}


def _published() -> str:
    """The id of a notice in force."""
    text = "我们处理您的姓名和身份证号码。"
    notice = Notice(purpose="benchmark", version="1", language="zh-hans", title=text, text=text)
    notice.sha256, notice.handler = sha256(text.encode()).hexdigest(), "a benchmark"
    notice.published_at = now()
    notices.add(notice, using=connection.alias)
    return str(notice.pk)


def _in_process(results: Results, caller: Caller) -> None:
    paths = {TITLE: OURS, f"{TITLE}, user looked up": LOOKED_UP}
    paths |= {way.title: f"/{way.name}/" for way in ways.OTHERS}
    slow = {way.title for way in ways.OTHERS[4:]}
    taking_turns = {
        title: Way(partial(caller.call, path), 1 if title in slow else FAST)
        for title, path in paths.items()
    }
    block(taking_turns)  # warms up
    means = measured(taking_turns, results.blocks, _say("in one process"))
    results.floor = statistics.median(mean[ways.Floor.title] for mean in means)
    results.in_process = ratios(means, ways.Floor.title)
    results.beside_engineer["in one process"] = ratio(means, TITLE, ways.Engineer.title)


def _waiting(results: Results, caller: Caller, upstream: Upstream) -> None:
    """Ours again while WeChat takes its time, beside a floor that waits as long."""
    paths = {"floor": f"/{ways.Floor.name}/", "ours": OURS}
    taking_turns = {name: Way(partial(caller.call, path), 2) for name, path in paths.items()}
    for latency in LATENCIES[1:]:
        upstream.latency(latency)
        title = f"{latency * 1000:.0f} ms"
        means = measured(taking_turns, results.blocks, _say(f"WeChat takes {title}"))
        results.waiting[title] = ratio(means, "ours", "floor")
    upstream.latency(0)


def _served(
    results: Results,
    caller: Caller,
    upstream: Upstream,
    numbers: tuple[int, ...],
    seconds: float,
) -> None:
    """The same under gunicorn, and loads of so many clients, for so many seconds each."""
    paths = {way.title: f"/{way.name}/" for way in (ways.Floor, ways.Engineer)} | {TITLE: OURS}
    with served.gunicorn(workers=1) as port:
        clock = served.WorkerClock(port, caller.login)
        taking_turns = {title: Way(partial(clock.call, path), 1) for title, path in paths.items()}
        measured(taking_turns, 2, _say("warming up"))
        means = measured(taking_turns, results.blocks, _say("under gunicorn"))
        results.served = ratios(means, ways.Floor.title)
        results.beside_engineer["under gunicorn"] = ratio(means, TITLE, ways.Engineer.title)
    with served.gunicorn(workers=2) as port:
        served.load(port, caller.login, OURS, 16, 0, seconds)  # warms up
        for latency in LATENCIES:
            upstream.latency(latency)
            for clients in numbers:
                _say("clients")(f"{clients}, WeChat takes {latency * 1000:.0f} ms")
                span = seconds + 4 * latency  # of a few answers at least
                made = served.load(port, caller.login, OURS, clients, latency, span)
                results.loads.append(made)
    upstream.latency(0)


def _say(what: str) -> Callable[[str], None]:
    """Progress, on a terminal only."""
    return lambda text: (
        print(f"\r{what}: {text}".ljust(60), end="\r", file=sys.stderr, flush=True)
        if sys.stderr.isatty()
        else None
    )
