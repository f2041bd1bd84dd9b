"""The attacks of docs/*/security.md: what is tried by which tests, and the tables that a run of them makes.

    python -m tests.attacks

plays them all, and writes how often each was tried, and how often it succeeded, into both pages.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"en": ROOT / "docs/en/security.md", "zh": ROOT / "docs/zh/security.md"}
HEADS = {"en": "| attack | tries | succeeded |", "zh": "| 攻击 | 次数 | 成功 |"}
FILES = tuple(
    f"tests/test_{name}.py"
    for name in (
        *("audit_attacks", "audit_tampering", "rights_attacks", "approval", "expiry"),
        *("limits_of_officers", "cache", "sentry", "api", "names", "errmsg"),
    )
)

#: What an attack is called, in both languages, and the tests that play it. Each is one try, or as many as
#: it records.
ATTACKS: tuple[tuple[str, ...], ...] = (
    (
        "a rejected record made verified, its token posted by another account to have it signed",
        "把被拒绝的记录改为已核验，由另一账号提交其 token 以取得签名",
        "test_no_account_that_posts_a_forged_records_token_gets_it_signed",
    ),
    (
        'a record moved to another user, "signed" by a clerk who is refused',
        "把记录移到另一用户名下，借工作人员被拒绝的事件“签名”",
        "test_no_refused_clerk_signs_a_record_that_was_moved",
    ),
    (
        "a genuine HMAC in another event, attempt or status",
        "把真实的 HMAC 用于另一事件、尝试或状态",
        "test_a_description_is_never_a_signature",
        "test_a_genuine_hmac_is_good_in_no_other_event",
    ),
    (
        "a record moved, or made verified, and put back before the trail is read",
        "在读取审计日志之前将被移动或改为已核验的记录复原",
        "test_a_record_that_was_moved_while_it_was_read_is_not_vouched_for",
        "test_a_rejected_record_made_verified_while_it_was_read_is_not_vouched_for",
    ),
    (
        "an erased record restored from a backup",
        "用备份恢复已删除个人信息的记录",
        "test_what_was_erased_and_restored_from_a_backup_stays_erased",
    ),
    (
        "purge, or the deletion of the user, made to sign a forgery",
        "借清理任务或删除用户为伪造的记录签名",
        "test_purge_and_the_deletion_of_the_user_sign_no_forgery",
    ),
    (
        "an answer of WeChat's again: kept, erased, discarded, of a refused minor; "
        "while keys rotate; four workers at once",
        "再次使用微信的应答：已保存、已删除、已丢弃、未成年人被拒；密钥轮换期间；四个进程同时",
        "test_an_answer_that_came_before_is_an_unknown_outcome",
        "test_an_answer_is_known_again_while_keys_rotate",
        "test_an_answer_that_was_discarded_does_not_count_later",
        "test_the_answer_about_a_refused_minor_counts_once",
        "test_of_two_workers_with_one_answer_one_alone_records_it",
    ),
    (
        "an outcome, a list of accesses or a seal forged with `INDEX_KEYS`",
        "用 `INDEX_KEYS` 伪造结果、访问清单或封存",
        "test_index_keys_forge_no_outcome",
        "test_index_keys_forge_no_outcome_where_derived_keys_count",
        "test_index_keys_forge_no_list_of_records",
        "test_index_keys_forge_no_chain",
    ),
    (
        "a sealed event removed, or a record made erased, and its expiry forged with `INDEX_KEYS`",
        "删去已封存的事件，或把记录改为已删除，再用 `INDEX_KEYS` 伪造其到期",
        "test_index_keys_hide_no_sealed_event",
        "test_index_keys_make_no_record_erased_without_a_trail",
    ),
    (
        "ids and times spelt otherwise (SQLite)",
        "id 和时间的另一种写法（SQLite）",
        "test_an_id_that_is_spelt_otherwise_is_found_and_verification_ends",
        "test_a_time_that_is_spelt_otherwise_is_found",
    ),
    (
        "a column of a verified record changed, a ciphertext exchanged",
        "改动已核验记录的某列，调换密文",
        "test_what_is_stored_of_a_verified_record_contradicts_when_it_is_changed",
        "test_the_ciphertexts_of_another_record_contradict",
    ),
    (
        "a key id that no key has, to switch the comparison off",
        "改为不存在的密钥 id，以使比对失效",
        "test_the_id_of_an_unknown_key_switches_no_comparison_off",
        "test_a_ciphertext_of_an_unknown_key_is_not_called_intact",
    ),
    (
        "a search that signs that a record was shown which was moved",
        "借查找为被移动的记录的显示签名",
        "test_a_search_marks_a_record_that_was_moved_and_signs_nothing_of_it",
    ),
    (
        "two users' openids swapped",
        "对调两个用户的 openid",
        "test_two_users_whose_openids_were_swapped_are_found",
    ),
    (
        "an `INSERT` of an event, a link to a record or a seal that comes to nothing, by a trigger",
        "以触发器使事件、指向记录的关联或封存的 `INSERT` 落空",
        "test_what_leaves_no_event_is_refused",
        "test_a_link_that_is_not_stored_refuses_what_it_should_have_recorded",
        "test_a_seal_that_is_not_stored_leaves_its_events_unsealed",
    ),
    (
        "notices, consents and accesses changed, removed or added at random (`test_rights_attacks`)",
        "随机改动、删除、添加告知书、同意和访问记录（`test_rights_attacks`）",
        "test_a_hundred_random_tamperings_are_all_found",
    ),
    (
        "a plain export released, changed or run again by SQL (`test_approval`)",
        "用 SQL 放行、改动或再次执行明文导出申请（`test_approval`）",
        "test_a_request_that_is_released_by_sql_alone_runs_nothing",
        "test_a_run_that_sql_undoes_is_not_run_again",
        "test_what_sql_made_of_a_request_is_not_released",
    ),
    (
        "a record made erased, or removed, so that its outcomes would expire (`test_expiry`)",
        "把记录改为已删除或删去其行，使其结果事件到期（`test_expiry`）",
        "test_a_record_that_its_last_outcome_does_not_bear_out_keeps_its_trail",
    ),
    (
        "a record and its sealed events removed before others expire, to be listed with them (`test_expiry`)",
        "在其他事件到期之前删去一条记录及其已封存的事件，使其一并列入清单（`test_expiry`）",
        "test_what_somebody_else_removed_is_not_listed_with_what_expires",
    ),
    (
        "tamperings at random under SHA-256, SM3, and "
        "SM3 from midway on (`test_audit_tampering`; 1,000 each with `-m campaign`)",
        "随机篡改：SHA-256、SM3、中途改用 SM3（`test_audit_tampering`；`-m campaign` 各 1,000 次）",
        "test_every_random_tampering_is_found",
    ),
    (
        "names guessed from their frequencies in the index (`test_limits_of_officers`)",
        "按索引中的出现频率猜姓名（`test_limits_of_officers`）",
        "test_by_default_no_index_of_names_is_kept",
        "test_no_character_of_a_name_is_shown_where_mask_name_says_so",
    ),
    (
        "numbers tried in the search (`test_limits_of_officers`)",
        "在查找中逐个试号码（`test_limits_of_officers`）",
        "test_searches_that_find_nothing_are_limited",
    ),
    (
        "a cache that never answers, or byte by byte (`test_cache`)",
        "缓存不应答，或逐字节应答（`test_cache`）",
        "test_a_cache_that_never_answers_is_given_up_and_left_alone",
        "test_a_cache_that_answers_byte_by_byte_is_given_up",
    ),
    (
        "Sentry with tracing: what is posted, on success and on error (`test_sentry`)",
        "启用追踪的 Sentry：成功和出错时提交的内容（`test_sentry`）",
        "test_nothing_of_an_exchange_is_reported",
        "test_nothing_that_an_officer_types_is_reported",
    ),
    (
        "a token with a blank or an invisible character, which WeChat might trim (`test_api`)",
        "token 带有微信可能去除的空白或不可见字符（`test_api`）",
        "test_a_token_with_a_blank_is_never_sent",
    ),
    (
        "an answer whose name is a control character, unassigned or without a letter (`test_names`)",
        "应答中的姓名含控制字符、未分配的码位，或不含任何文字（`test_names`）",
        "test_what_is_no_name_is_not_plausible",
    ),
    (
        "WeChat's errmsg that echoes a token or an ID number (`test_errmsg`)",
        "微信的 errmsg 回显 token 或证件号（`test_errmsg`）",
        "test_of_an_unknown_text_its_length_and_the_reference_are_kept",
        "test_an_echoed_secret_is_not_kept",
        "test_a_secret_that_is_echoed_otherwise_is_not_kept",
        "test_an_echoed_id_number_is_not_kept",
    ),
)
#: Tests beside them that play no attack.
OTHERS = (
    "test_what_derived_keys_signed_stands_until_the_seal_of_the_change",
    "test_a_first_seal_says_how_much_it_takes_over",
    "test_a_first_seal_that_takes_nothing_over_says_nothing",
    "test_what_derived_keys_let_expire_stays_expired",
    "test_a_missing_key_is_no_tampering",
    "test_what_stands_under_a_lost_key_can_be_erased",
    "test_a_record_erased_while_it_was_read_is_no_contradiction",
    "test_lists_of_records_are_read_in_parts",
)
PLAYED_BY = {test: attack for attack, _zh, *tests in ATTACKS for test in tests}


class Tally:
    """What pytest reports: the tries of each attack, and those that succeeded."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.succeeded: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: Any) -> None:
        attack = PLAYED_BY.get(report.nodeid.rpartition("::")[2].partition("[")[0])
        if attack is None or report.when != "call" or report.skipped:
            return
        self.tries[attack] += dict(report.user_properties).get("tries", 1)
        self.succeeded[attack] += report.failed


def table(language: str, tally: Tally) -> str:
    """The page's table, in the order of ATTACKS."""
    rows = (
        f"| {en if language == 'en' else zh} | {tally.tries[en]} | {tally.succeeded[en]} |"
        for en, zh, *_tests in ATTACKS
    )
    return "\n".join((HEADS[language], "|---|---|---|", *rows))


def rewritten(page: str, language: str, new: str) -> str:
    """The page with that table in the place of the one that it has."""
    old = re.compile(re.escape(HEADS[language]) + r"(\n\|.*)+")
    return old.sub(lambda _found: new, page, count=1)


def main() -> int:
    tally = Tally()
    code = pytest.main(
        ["-q", "-p", "no:cacheprovider", *FILES, "-k", " or ".join(PLAYED_BY)], [tally]
    )
    for language, path in PAGES.items():
        path.write_text(rewritten(path.read_text(), language, table(language, tally)))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
