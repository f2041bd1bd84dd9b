"""`python -m benchmarks`: one run, a table, a picture."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .surroundings import surroundings

if TYPE_CHECKING:
    from .calls import Caller
    from .report import Results
    from .upstream import Upstream

CAPTION = "CPU time of one exchange, as a multiple of the floor"
FAST = 8  # calls of a fast way in a block
LATENCIES = (0.0, 0.05, 0.3)  # seconds
CLIENTS = (1, 16, 64)
LOOKED_UP = "/looked-up/"


def main() -> int:
    """Measure, print and write; 0."""
    options = _parser().parse_args()
    with surroundings(options.database, sm=options.sm) as upstream:
        results = _run(upstream, options)
    _write(results, Path(options.output))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--blocks", type=int, help="blocks of calls (40, or six when it is quick)")
    parser.add_argument("--quick", action="store_true", help="a look, in a minute")
    parser.add_argument("--database", metavar="URL", help="beside it one is made (SQLite, a file)")
    parser.add_argument("--sm", action="store_true", help="under SM4-GCM and HMAC-SM3 keys")
    parser.add_argument("--output", default="benchmarks/results", metavar="DIR")
    return parser


def _run(upstream: Upstream, options: argparse.Namespace) -> Results:
    from django.db import connection

    from . import report, storage
    from .calls import Caller

    blocks = options.blocks or (6 if options.quick else 40)
    results = report.Results(report.machine(connection.display_name), blocks)
    caller = Caller()
    results.statements = _learn_the_floor(caller)
    _in_process(results, caller)
    _with_consent(results, caller)
    _waiting(results, caller, upstream)
    _served(results, caller, upstream, *((CLIENTS[:2], 0.2) if options.quick else (CLIENTS, 5)))
    results.bytes_per_record = storage.bytes_per_record(2_000 if options.quick else 20_000)
    return results


def _learn_the_floor(caller: Caller) -> list[str]:
    """Hear what one of our exchanges sends, and keep it for the floor."""
    from .calls import OURS
    from .ways import REPLAY

    for _ in range(3):
        caller.call(OURS)  # whatever is done once a process is done
    return _learn(partial(caller.call, OURS), REPLAY)


def _learn(call: Callable[[], float], name: str) -> list[str]:
    from .floor import Replay, heard
    from .ways import KEY_FILE

    with heard() as statements:
        call()
    Replay(statements).save(KEY_FILE.parent / name)
    return [sql.split()[0] for sql, _ in statements]


def _with_consent(results: Results, caller: Caller) -> None:
    """Ours with a consent, beside a floor that has its INSERTs, too."""
    from . import ways
    from .blocks import Way, block, measured, ratio
    from .calls import OURS
    from .picture import OURS as TITLE

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
    from hashlib import sha256

    from django.db import connection
    from django.utils.timezone import now

    from wx_realname.models import Notice
    from wx_realname.services.rights import notices

    text = "我们处理您的姓名和身份证号码。"
    notice = Notice(purpose="benchmark", version="1", language="zh-hans", title=text, text=text)
    notice.sha256, notice.handler = sha256(text.encode()).hexdigest(), "a benchmark"
    notice.published_at = now()
    notices.add(notice, using=connection.alias)
    return str(notice.pk)


def _in_process(results: Results, caller: Caller) -> None:
    from . import ways
    from .blocks import Way, block, measured, ratio, ratios
    from .calls import OURS
    from .picture import OURS as TITLE

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
    from . import ways
    from .blocks import Way, measured, ratio
    from .calls import OURS

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
    from . import served, ways
    from .blocks import Way, measured, ratio, ratios
    from .calls import OURS
    from .picture import OURS as TITLE

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


def _write(results: Results, folder: Path) -> None:
    from . import picture, report

    table = report.markdown(results)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(table)
    (folder / "exchange.svg").write_text(picture.svg(results.in_process, CAPTION))
    print(table)
    print(f"{folder / 'results.md'}\n{folder / 'exchange.svg'}")


if __name__ == "__main__":
    sys.exit(main())
