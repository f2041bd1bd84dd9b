"""Attacks on the trail, played as they were: with the site's database role alone, and no key.

What is written behind the site's back is plain SQL. Each attack succeeded once.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.test import RequestFactory
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, at_once, brought_to, code, number_of, verify
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, Script, doing, encrypted, identity, says
from tests.settings import WX_REALNAME
from tests.tampering import state, write
from tests.test_audit import INDEX_KEY, code_by, derived
from tests.trail import EVENTS, RECORDS, call, change, dropping, is_reported, key_of, sql
from wx_realname import audit
from wx_realname.api.permissions import RealNameVerified
from wx_realname.audit import expiry, keys
from wx_realname.audit.access import _digests, _parts
from wx_realname.audit.outcome import digests
from wx_realname.audit.sealing import _sign, hash_of
from wx_realname.exceptions import InternalError, Misconfigured
from wx_realname.models import AuditAccess, AuditEvent, AuditSeal, Verification
from wx_realname.services import copy as own_copy
from wx_realname.services import erase, exchange, export, find_person, reveal, trust
from wx_realname.services.disclosure.refusal import refused
from wx_realname.services.rows import changed
from wx_realname.services.upkeep.expiry import expire
from wx_realname.uuid7 import uuid7
from wx_realname.vault.blind_index import Digest

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]

OWN = WX_REALNAME["AUDIT_KEYS"]  # type: ignore[index]
I1, I2 = f"i1:{b64encode(INDEX_KEY).decode()}", "i2:" + "B" * 43 + "="
A1, A2 = "a1:" + "C" * 43 + "=", "a2:" + "D" * 43 + "="

where_a_trigger_can_drop_rows = pytest.mark.skipif(
    connection.vendor == "mysql", reason="there none can"
)
where_text = pytest.mark.skipif(
    connection.vendor not in ("sqlite", "unheard-of"), reason="ids and times are text there"
)


# --- the attacker's hands ---------------------------------------------------------------------


def copy_event(event: AuditEvent, /, **columns: Any) -> None:
    """INSERT of a copy of the event, with other values in some columns. Its id sorts behind the event's."""
    later = UUID(int=uuid7().int + (1 << 80))  # by a millisecond, within which ids have no order
    given = {"id": key_of(later), "seal": None} | columns
    before = state()
    copied = next(one for one in before[EVENTS] if UUID(str(one["id"])) == event.pk)
    write(before, before | {EVENTS: [*before[EVENTS], copied | given]})


def seal() -> None:
    list(audit.seal())


def passes(user: Any) -> bool:
    """Whether RealNameVerified lets the user pass; the trail has an event where it doesn't."""
    request = RequestFactory().get("/")
    request.user = user
    lets = RealNameVerified().has_permission(request, None)
    assert (Verification.objects.current_for(user) is not None) == lets
    return lets


def signed_events(row: Verification) -> list[str]:
    signed = AuditEvent.objects.filter(verification_id=row.pk).exclude(outcome_hmac="")
    return list(signed.order_by("created_at", "id").values_list("event", flat=True))


@pytest.fixture
def rejected(liar: LyingWeChat, user: Any) -> Verification:
    return brought_to("rejected", liar, user)


def is_refused(row: Verification, user: Any) -> None:
    """The record is shown to nobody, is used by nothing, and verification names it."""
    before = signed_events(row)
    for use in (reveal, erase):
        with pytest.raises(InternalError):
            use(row, actor=user, reason="a test")
    assert not passes(user)
    assert signed_events(row) == before, "a signature was had for it"
    assert AuditEvent.objects.filter(verification_id=row.pk, event="contradiction").exists()
    is_reported(f"record {row.pk}")


# --- 1. no signing oracle ---------------------------------------------------------------------


def test_no_account_that_posts_a_forged_records_token_gets_it_signed(
    rejected: Verification, user: Any, stranger: Any
) -> None:
    change(rejected, status="verified", verified_at=timezone.now(), error_code="")
    assert code(stranger) == "internal_error"
    assert signed_events(rejected) == ["exchange"]
    genuine = AuditEvent.objects.exclude(outcome_hmac="").get()
    copy_event(genuine, status="verified", error_code="", attempt=1)
    assert not passes(user)
    assert verify()[0] == 1


def test_no_refused_clerk_signs_a_record_that_was_moved(
    row: Verification, user: Any, stranger: Any
) -> None:
    change(row, user_id=stranger.pk)
    moved = Verification.objects.get()
    refused(actor=user, permission="reveal_verification", verification_id=moved.pk)
    assert signed_events(row) == ["exchange"]
    assert not passes(user)
    is_refused(moved, stranger)


def test_a_description_is_never_a_signature(row: Verification, user: Any, stranger: Any) -> None:
    code(stranger)
    reveal(row, actor=user, reason="a test")
    described = AuditEvent.objects.exclude(event="exchange")
    assert set(described.values_list("event", "outcome_hmac", "outcome_key_id")) == {
        ("auth_token_in_use", "", ""),
        ("reveal", "", ""),
    }


@pytest.mark.parametrize(
    "columns",
    [{"event": "erase"}, {"attempt": 2}, {"status": "erased"}, {"event": "exchange_abandoned"}],
)
def test_a_genuine_hmac_is_good_in_no_other_event(
    row: Verification, user: Any, columns: dict[str, Any]
) -> None:
    genuine = AuditEvent.objects.get()
    copy_event(genuine, **columns)
    assert not passes(user)
    assert verify()[0] == 1


def test_what_was_erased_and_restored_from_a_backup_stays_erased(
    row: Verification, user: Any
) -> None:
    (backup,) = state()[RECORDS]
    erase(row, actor=user, reason="asked")
    change(row, **{name: value for name, value in backup.items() if name != "id"})
    is_refused(row, user)


def test_purge_and_the_deletion_of_the_user_sign_no_forgery(
    rejected: Verification, user: Any
) -> None:
    change(rejected, status="verified", verified_at=timezone.now(), error_code="")
    user.delete()
    call("realname_purge")
    assert signed_events(rejected) == ["exchange"]


def test_a_search_marks_a_record_that_was_moved_and_signs_nothing_of_it(
    row: Verification, user: Any, stranger: Any
) -> None:
    change(row, user_id=stranger.pk)
    (match,) = find_person(actor=user, credential_id=NUMBER).matches
    assert not match.is_vouched
    assert AuditEvent.objects.filter(event="contradiction", verification_id=row.pk).exists()
    event = AuditEvent.objects.get(event="search")
    assert event.records == 0 and not AuditAccess.objects.filter(event_id=event.pk).exists()


# --- 2. replay --------------------------------------------------------------------------------


def replayed(number: str = NUMBER) -> Script:
    """One answer of WeChat's that a middleman sends again and again."""
    fields = {"encryted_real_name": encrypted(NAME.encode("gb18030"))}
    fields["encryted_credential_id"] = encrypted(number.encode())
    return says({"errcode": 0, "errmsg": "ok", **fields})


@pytest.mark.parametrize("first", ["kept", "erased"])
def test_an_answer_that_came_before_is_an_unknown_outcome(
    liar: LyingWeChat, user: Any, stranger: Any, first: str
) -> None:
    liar.play(replayed())
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    if first == "erased":
        erase(row, actor=user, reason="asked")
    assert code(stranger, "another-token") == "outcome_unknown"
    later = Verification.objects.get(user=stranger)
    assert (later.status, later.real_name_masked, later.answer_digest) == ("unknown", None, None)
    assert signed_events(later) == ["exchange"]
    assert verify()[0] == 0


#: How keys change from the exchange to the replay: by the steps of docs/*/operations.md.
ROTATIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a key of the index is added": ({"INDEX_KEYS": [I1]}, {"INDEX_KEYS": [I1, I2]}),
    "it is put first": ({"INDEX_KEYS": [I1, I2]}, {"INDEX_KEYS": [I2, I1]}),
    "the old one is removed": ({"INDEX_KEYS": [I2, I1]}, {"INDEX_KEYS": [I2]}),
    "the same with derived keys: added": (
        {"INDEX_KEYS": [I1], "AUDIT_KEYS": None},
        {"INDEX_KEYS": [I1, I2], "AUDIT_KEYS": None},
    ),
    "with derived keys: put first": (
        {"INDEX_KEYS": [I1, I2], "AUDIT_KEYS": None},
        {"INDEX_KEYS": [I2, I1], "AUDIT_KEYS": None},
    ),
    "AUDIT_KEYS are set": ({"AUDIT_KEYS": None}, {"AUDIT_KEYS": [A2]}),
    "a key of the trail is put first": ({"AUDIT_KEYS": [A1]}, {"AUDIT_KEYS": [A2, A1]}),
}


@pytest.mark.parametrize("kept", ["record and event", "event", "record"])
@pytest.mark.parametrize("change_", ROTATIONS)
def test_an_answer_is_known_again_while_keys_rotate(
    liar: LyingWeChat, user: Any, stranger: Any, configure: Configure, change_: str, kept: str
) -> None:
    before, after = ROTATIONS[change_]
    configure(**before)
    liar.play(replayed())
    exchange(user=user, auth_token=AUTH_TOKEN)
    if kept == "event":  # as of a discarded answer
        Verification.objects.update(answer_digest=None)
    elif kept == "record":  # as after realname_expire_audit
        AuditEvent.objects.all().delete()
    configure(**after)
    assert code(stranger, "another-token") == "outcome_unknown"
    assert not Verification.objects.get(user=stranger).answer_digest


@pytest.mark.parametrize("minors", ["refuse", "allow"])
def test_the_answer_about_a_refused_minor_counts_once(
    liar: LyingWeChat, user: Any, stranger: Any, configure: Configure, minors: str
) -> None:
    configure(MINORS="refuse")
    liar.play(replayed(number_of(9)))
    assert code(user) == "minor"
    row = Verification.objects.get()
    assert row.answer_digest and (row.real_name_masked, row.credential_id_masked) == (None, None)
    configure(MINORS=minors)
    assert code(stranger, "another-token") == "outcome_unknown"
    assert code(user, "a-third-token") == "outcome_unknown"
    assert verify()[0] == 0


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_was_discarded_does_not_count_later(
    liar: LyingWeChat, user: Any, stranger: Any
) -> None:
    taken: Any = {"status": "erased", "erased_at": timezone.now()}
    answer = replayed()
    liar.play(doing(lambda: Verification.objects.update(**taken), answer))
    assert code(user) == "outcome_unknown"
    liar.play(answer)
    assert code(stranger, "another-token") == "outcome_unknown"


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_with_one_answer_one_alone_records_it(liar: LyingWeChat) -> None:
    liar.play(replayed())
    users = [get_user_model().objects.create(username=f"u{n}") for n in range(4)]
    codes = at_once(*[partial(code, user, f"token-{user.pk}") for user in users])
    assert sorted(codes) == ["outcome_unknown"] * 3 + ["verified"]
    ends = AuditEvent.objects.filter(event="exchange").values_list("status", flat=True)
    assert sorted(ends) == ["unknown"] * 3 + ["verified"], "every attempt has its event"
    assert verify()[0] == 0


# --- 3. AUDIT_KEYS are apart from INDEX_KEYS --------------------------------------------------


def make_verified(row: Verification) -> tuple[AuditEvent, dict[str, str]]:
    """UPDATE of a rejected record; its event, and the outcome that whoever has INDEX_KEYS can make for it."""
    event = AuditEvent.objects.get(event="exchange")
    claims: dict[str, Any] = {"status": "verified", "verified_at": timezone.now()}
    columns = AuditEvent.objects.values().get(pk=event.pk) | {"status": "verified"}
    codes = digests(changed(row, claims), columns)
    forged = next(code for code in codes if keys.is_derived(code.key_id))
    change(row, **claims)
    return event, {"outcome_hmac": forged.hex, "outcome_key_id": forged.key_id}


@pytest.mark.parametrize("sealed", [False, True])
def test_index_keys_forge_no_outcome(
    rejected: Verification, user: Any, configure: Configure, sealed: bool
) -> None:
    seal()
    event, forged = make_verified(rejected)
    copy_event(event, status="verified", attempt=1, **forged)
    if sealed:
        seal()
    assert not passes(user)
    assert verify()[0] == 1
    configure(AUDIT_KEYS=None)  # as it would be, were they not apart
    assert passes(user)


@pytest.mark.parametrize("sealed", [False, True])
def test_index_keys_forge_no_list_of_records(row: Verification, user: Any, sealed: bool) -> None:
    seal()
    reveal(row, actor=user, reason="a test")
    seen = AuditEvent.objects.get(event="reveal")
    AuditAccess.objects.filter(event_id=seen.pk).delete()
    forged = next(one for one in _digests(seen.pk, []) if keys.is_derived(one.key_id))
    AuditEvent.objects.filter(pk=seen.pk).update(records=0, records_digest=forged.hex)
    if sealed:
        seal()
    is_reported(f"event {seen.pk}")


def test_lists_of_records_are_read_in_parts() -> None:
    parts = _parts([AuditEvent(records=count) for count in (4_000, 1_000, 1, 6_000, None)])
    assert [len(part) for part in parts] == [2, 2, 1]


def sign_by_derived(seal: AuditSeal) -> None:
    """As whoever has INDEX_KEYS can sign it."""
    seal.key_id = "index:i1"
    seal.hash = hash_of(seal)
    seal.hmac = code_by(derived(INDEX_KEY, "audit"), "audit.seal", seal.hash.encode())


def test_index_keys_forge_no_chain(row: Verification) -> None:
    seal()
    event = audit.append(AuditEvent.Event.REVEAL, audit.Origin("nobody"), using="default")
    made = _sign(AuditSeal.objects.get(), [event])
    sign_by_derived(made)
    made.save(force_insert=True)
    AuditEvent.objects.filter(pk=event.pk).update(seal=made.number)
    is_reported("seal 2 is signed by a key derived from INDEX_KEYS")


# A rejected record, which derived keys signed and sealed; AUDIT_KEYS were set afterwards, and seal 2 says so.
# Each gives the outcome of a verified one to the trail, in a place where derived keys count.


def add_to_an_old_seal(event: AuditEvent, forged: dict[str, str]) -> None:
    copy_event(event, status="verified", seal=1, **forged)


def change_in_an_old_seal(event: AuditEvent, forged: dict[str, str]) -> None:
    AuditEvent.objects.filter(pk=event.pk).update(status="verified", **forged)


def make_an_old_seal_anew(event: AuditEvent, forged: dict[str, str]) -> None:
    change_in_an_old_seal(event, forged)
    old = AuditSeal.objects.get(number=1)
    made = _sign(None, list(AuditEvent.objects.filter(seal=1)))
    made.created_at = old.created_at
    sign_by_derived(made)
    made.save()
    AuditSeal.objects.filter(number=2).update(previous=made.hash)


def take_the_seal_of_the_change(event: AuditEvent, forged: dict[str, str]) -> None:
    """The next seal, which is genuine, would be the first under AUDIT_KEYS."""
    copy_event(event, status="verified", **forged)
    seal()
    change = AuditSeal.objects.get(number=2)
    sign_by_derived(change)
    change.save()


def forge_the_seal_of_the_change(event: AuditEvent, forged: dict[str, str]) -> None:
    take_the_seal_of_the_change(event, forged)
    AuditSeal.objects.filter(number=2).update(key_id="a1")


@pytest.mark.parametrize(
    "attack",
    [
        add_to_an_old_seal,
        change_in_an_old_seal,
        make_an_old_seal_anew,
        take_the_seal_of_the_change,
        forge_the_seal_of_the_change,
    ],
)
def test_index_keys_forge_no_outcome_where_derived_keys_count(
    liar: LyingWeChat,
    user: Any,
    configure: Configure,
    attack: Callable[[AuditEvent, dict[str, str]], None],
) -> None:
    configure(AUDIT_KEYS=None)
    row = brought_to("rejected", liar, user)
    seal()
    configure(AUDIT_KEYS=OWN)
    seal()
    assert (passes(user), verify()[0]) == (False, 0)
    attack(*make_verified(row))
    assert (passes(user), verify()[0]) == (False, 1)


def remove(event: AuditEvent) -> None:
    """DELETE of an event and its links."""
    AuditAccess.objects.filter(event_id=event.pk).delete()
    sql(f"DELETE FROM {EVENTS} WHERE id = %s", key_of(event.pk))  # noqa: S608


def forge_expiry(reason: str, codes: list[Digest]) -> None:
    """An event of expiry as whoever has INDEX_KEYS can make it."""
    forged = next(one for one in codes if keys.is_derived(one.key_id))
    columns = {"outcome_hmac": forged.hex, "outcome_key_id": forged.key_id}
    origin = audit.Origin()
    audit.append(AuditEvent.Event.EXPIRY, origin, using="default", reason=reason, **columns)


def forge_removal(event: AuditEvent) -> None:
    number = event.seal or 0
    codes = expiry._removals().digests(expiry._list_of(number, {event.pk.bytes}))
    forge_expiry(expiry._of_seal(number), codes)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("from_the_start", [False, True])
def test_index_keys_hide_no_sealed_event(
    liar: LyingWeChat,
    user: Any,
    configure: Configure,
    from_the_start: bool,
    sealed: bool,
) -> None:
    configure(AUDIT_KEYS=OWN if from_the_start else None)
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    seal()
    configure(AUDIT_KEYS=OWN)
    seal()
    reveal(row, actor=user, reason="a test")
    seal()
    seen = AuditEvent.objects.get(event="reveal")
    remove(seen)
    forge_removal(seen)
    if sealed:
        seal()
    is_reported(f"event {seen.pk} of seal 3 was removed")


@pytest.mark.parametrize("sealed", [False, True])
def test_index_keys_make_no_record_erased_without_a_trail(
    row: Verification, user: Any, sealed: bool
) -> None:
    seal()
    event = AuditEvent.objects.get(event="exchange")
    change(row, status="erased", erased_at="2020-01-01 00:00:00")
    remove(event)
    limit = "2021-01-01T00:00:00.000000+00:00"
    forge_expiry(limit, keys.index("audit.expiry").digests(limit))
    forge_removal(event)
    if sealed:
        seal()
    is_reported(
        f"event {event.pk} of seal 1 was removed",
        f"record {row.pk} is erased, but no audit event says so",
    )


@pytest.mark.django_db(transaction=True)
def test_what_derived_keys_let_expire_stays_expired(
    liar: LyingWeChat, user: Any, configure: Configure
) -> None:
    configure(AUDIT_KEYS=None)
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    reveal(row, actor=user, reason="a test")
    seal()
    assert sum(expire(timezone.now(), force=True)) > 0
    assert verify()[0] == 0
    configure(AUDIT_KEYS=OWN)
    seal()
    assert verify()[0] == 0


def test_what_derived_keys_signed_stands_until_the_seal_of_the_change(
    liar: LyingWeChat, user: Any, configure: Configure
) -> None:
    configure(AUDIT_KEYS=None)
    rows = [exchange(user=user, auth_token=f"token-{n}") for n in range(4)]
    reveal(rows[0], actor=user, reason="a test")
    configure(AUDIT_KEYS=OWN)
    assert (passes(user), verify()[0]) == (False, 1), "no seal records the change yet"
    list(audit.seal(batch_size=2))  # less than there are: the change takes them all
    assert (passes(user), verify()[0]) == (True, 0)
    reveal(rows[0], actor=user, reason="a test")


@pytest.mark.parametrize("seals", [0, 2])
def test_a_first_seal_says_how_much_it_takes_over(
    rejected: Verification, user: Any, configure: Configure, caplog: Any, seals: int
) -> None:
    """Whoever has INDEX_KEYS and deletes every seal takes the site back to before its first one.

    The next seal makes the forgery genuine: it says so, and a checkpoint that was kept elsewhere shows it.
    """
    kept = [audit.Checkpoint.of(one) for _ in range(seals) for one in audit.seal()]
    event, forged = make_verified(rejected)
    AuditSeal.objects.all().delete()
    AuditEvent.objects.filter(event="seal").delete()
    AuditEvent.objects.filter(pk=event.pk).update(seal=None, status="verified", **forged)
    assert "signed (events: 1) and the lists of accesses (0)." in call("realname_seal_audit")
    assert "vouches for 1 events signed by keys derived from INDEX_KEYS" in caplog.text
    assert "first seal under AUDIT_KEYS" not in call("realname_seal_audit")
    if kept:
        assert any("checkpoint" in fault for fault in audit.faults(kept, lambda *a: None))


def test_a_first_seal_that_takes_nothing_over_says_nothing(
    rejected: Verification, caplog: Any
) -> None:
    assert "first seal under AUDIT_KEYS" not in call("realname_seal_audit")
    assert "took over" not in caplog.text


def test_a_missing_key_is_no_tampering(row: Verification, user: Any, configure: Configure) -> None:
    configure(AUDIT_KEYS=["a9:" + "B" * 43 + "="])
    with pytest.raises(Misconfigured):
        reveal(row, actor=user, reason="a test")
    assert not AuditEvent.objects.filter(event="contradiction").exists()
    lacks = f"record {row.pk} can't be compared with its last outcome: AUDIT_KEYS lacks 'a1'"
    is_reported(lacks, "1 fault.")  # no seal is signed by that key


# --- 4. canonical text ------------------------------------------------------------------------


@where_text
@pytest.mark.parametrize(
    "spelling", ["{{{}}}", "urn:uuid:{}", "{}", " {}"], ids=["braces", "urn", "hyphens", "blank"]
)
@pytest.mark.parametrize(
    ("table", "column"),
    [(RECORDS, "id"), (EVENTS, "id"), (EVENTS, "verification_id")],
)
def test_an_id_that_is_spelt_otherwise_is_found_and_verification_ends(
    row: Verification, user: Any, table: str, column: str, spelling: str
) -> None:
    erase(row, actor=user, reason="asked")
    seal()
    erased = AuditEvent.objects.get(event="erase")
    old = row.pk if column != "id" or table == RECORDS else erased.pk
    spelt = spelling.format(old)
    sql(f"UPDATE {table} SET {column} = %s WHERE {column} = %s", spelt, old.hex)  # noqa: S608
    is_reported(f"its {column} is not spelt canonically")


@where_text
@pytest.mark.parametrize("spelling", ["{}T{}", "{} {}+00:00", "{} {}000", " {} {}", "{} {}\0"])
def test_a_time_that_is_spelt_otherwise_is_found(row: Verification, spelling: str) -> None:
    seal()
    event = AuditEvent.objects.get(event="exchange")
    spelt = spelling.format(*f"{event.created_at:%Y-%m-%d %H:%M:%S.%f}".split())
    sql(f"UPDATE {EVENTS} SET created_at = %s WHERE id = %s", spelt, event.pk.hex)  # noqa: S608
    is_reported("its created_at is not spelt canonically")


# --- 5. what an event vouches for -------------------------------------------------------------

CHANGES: dict[str, dict[str, Any]] = {
    "verified_at": {"verified_at": "2020-01-01 00:00:00"},
    "another method": {"method": "face"},
    "another attempt": {"attempt": 7},
    "the name's mask": {"real_name_masked": "**娟"},
    "the number's mask": {"credential_id_masked": "4****************4"},
    "no mask": {"real_name_masked": None},
    "another index of the number": {"credential_id_index": "0" * 64},
    "no index of the number": {"credential_id_index": None},
    "another index of the name": {"real_name_index": "0" * 64},
    "no ciphertext of the name": {"real_name_encrypted": None},
    "no ciphertext of the number": {"credential_id_encrypted": None},
    "a ciphertext that is none": {"credential_id_encrypted": b"x"},
    "another answer": {"answer_digest": "0" * 64},
    "no answer": {"answer_digest": None},
}


@pytest.mark.parametrize("change_", CHANGES)
def test_what_is_stored_of_a_verified_record_contradicts_when_it_is_changed(
    row: Verification, user: Any, change_: str
) -> None:
    seal()
    change(row, **CHANGES[change_])
    assert not passes(user)
    is_reported(f"record {row.pk}")


def is_not_known(row: Verification, user: Any, needed: str) -> None:
    """The record is used by nothing, it isn't called tampered with, and verification names it."""
    for use in (partial(own_copy, row, actor=user), partial(passes, user)):
        with pytest.raises(Misconfigured):
            use()
    assert not AuditEvent.objects.filter(event="contradiction").exists()
    is_reported(f"record {row.pk} can't be compared", needed)


def test_the_id_of_an_unknown_key_switches_no_comparison_off(
    row: Verification, liar: LyingWeChat, user: Any, stranger: Any
) -> None:
    liar.play(identity("张伟", "110105199003070011"))
    other = exchange(user=stranger, auth_token="another-token")
    seal()
    index = Verification.objects.get(pk=other.pk).credential_id_index
    change(row, credential_id_index=index, index_key_id="zz")
    is_not_known(row, user, "INDEX_KEYS lacks 'zz'")
    found = find_person(actor=user, credential_id="110105199003070011").matches
    assert {match.verification.pk: match.is_vouched for match in found} == {
        row.pk: False,
        other.pk: True,
    }
    change(row, index_key_id="")
    assert not passes(user)
    is_reported(f"record {row.pk}")


@pytest.mark.parametrize("column", ["real_name_encrypted", "credential_id_encrypted"])
def test_a_ciphertext_of_an_unknown_key_is_not_called_intact(
    row: Verification, user: Any, column: str
) -> None:
    seal()
    envelope = getattr(Verification.objects.get(), column).envelope
    change(row, **{column: envelope.replace(b"e1", b"zz", 1)})
    is_not_known(row, user, "ENCRYPTION_KEYS lacks 'zz'")
    exported = list(export(Verification.objects.all(), actor=user, plain=True, reason="a test"))
    assert [each.unreadable for each in exported] == [True]
    other = "real_name_masked" if column.startswith("credential") else "credential_id_masked"
    change(row, **{other: "*"})
    assert not passes(user), "the value that can be decrypted is compared"


def test_what_stands_under_a_lost_key_can_be_erased(
    row: Verification, user: Any, configure: Configure
) -> None:
    configure(ENCRYPTION_KEYS=["e9:AES-256-GCM:" + "B" * 43 + "="])
    is_not_known(row, user, "ENCRYPTION_KEYS lacks 'e1'")
    erase(row, actor=user, reason="a test")
    assert verify()[0] == 0 and "erase" in signed_events(row)


def test_the_ciphertexts_of_another_record_contradict(
    row: Verification, user: Any, stranger: Any
) -> None:
    other = exchange(user=stranger, auth_token="another-token")
    columns = ("real_name_encrypted", "credential_id_encrypted")
    change(row, **{name: getattr(other, name).envelope for name in columns})
    is_refused(row, user)


def test_two_users_whose_openids_were_swapped_are_found(
    row: Verification, user: Any, stranger: Any
) -> None:
    exchange(user=stranger, auth_token="another-token")
    seal()
    assert verify()[0] == 0
    users = get_user_model()._meta.db_table
    for name, pk in (("-", user.pk), ("citizen", stranger.pk), ("stranger", user.pk)):
        sql(f"UPDATE {users} SET username = %s WHERE id = %s", name, pk)  # noqa: S608
    status, said = verify()
    assert (status, said.count("its user's name isn't the openid that was verified")) == (1, 2)


@pytest.mark.django_db(transaction=True)
@where_a_trigger_can_drop_rows
def test_what_leaves_no_event_is_refused(
    row: Verification, user: Any, record_property: Callable[[str, int], None]
) -> None:
    record_property("tries", 4)
    with dropping(EVENTS, "NEW.event = 'reveal'"), pytest.raises(DatabaseError):
        reveal(row, actor=user, reason="a test")
    with dropping(EVENTS, "NEW.event = 'search'"), pytest.raises(DatabaseError):
        find_person(actor=user, credential_id=NUMBER)
    with dropping(EVENTS, "NEW.event = 'exchange'"):
        assert code(user, "another-token") == "outcome_unknown"
    assert Verification.objects.filter(status="verified").count() == 1
    with dropping(EVENTS, "NEW.event = 'erase'"), pytest.raises(DatabaseError):
        erase(row, actor=user, reason="a test")
    assert Verification.objects.get(pk=row.pk).status == "verified"


@pytest.mark.django_db(transaction=True)
@where_a_trigger_can_drop_rows
@pytest.mark.parametrize("dropped", ["all", "one"])
def test_a_link_that_is_not_stored_refuses_what_it_should_have_recorded(
    row: Verification, user: Any, stranger: Any, dropped: str
) -> None:
    exchange(user=stranger, auth_token="another-token")
    which = "1 = 1" if dropped == "all" else f"NEW.verification_id = '{key_of(row.pk)}'"
    with dropping(AuditAccess._meta.db_table, which):
        with pytest.raises(DatabaseError, match="rows were inserted"):
            reveal(row, actor=user, reason="a test")
        with pytest.raises(DatabaseError, match="rows were inserted"):
            find_person(actor=user, credential_id=NUMBER)
    assert not AuditEvent.objects.filter(event__in=("reveal", "search")).exists()
    assert not AuditAccess.objects.exists()


@pytest.mark.django_db(transaction=True)
@where_a_trigger_can_drop_rows
def test_a_seal_that_is_not_stored_leaves_its_events_unsealed(row: Verification) -> None:
    with (
        dropping(AuditSeal._meta.db_table, "1 = 1"),
        pytest.raises(DatabaseError, match="0 of 1 rows were inserted"),
    ):
        seal()
    assert not AuditEvent.objects.exclude(seal=None).exists()
    seal()
    assert verify()[0] == 0


# --- a forgery that is undone before the trail is read ----------------------------------------


def test_a_record_that_was_moved_while_it_was_read_is_not_vouched_for(
    row: Verification, user: Any, stranger: Any
) -> None:
    change(row, user_id=stranger.pk)
    moved = Verification.objects.newest_verified(stranger)
    assert moved is not None
    change(row, user_id=user.pk)  # the record agrees again; the caller still holds the forgery
    assert trust.vouched([moved]) == []
    with pytest.raises(InternalError):
        trust.require([moved], audit.Origin())
    assert AuditEvent.objects.filter(verification_id=row.pk, event="contradiction").count() == 2


def test_a_rejected_record_made_verified_while_it_was_read_is_not_vouched_for(
    rejected: Verification, user: Any
) -> None:
    change(rejected, status="verified", verified_at=timezone.now())
    forged = Verification.objects.get()
    change(rejected, status="rejected", verified_at=None)
    assert trust.vouched([forged]) == []


def test_a_record_erased_while_it_was_read_is_no_contradiction(
    row: Verification, user: Any
) -> None:
    before = Verification.objects.get()
    erase(row, actor=user, reason="asked")
    assert trust.vouched([before]) == []
    trust.require([before], audit.Origin())
    assert not AuditEvent.objects.filter(event="contradiction").exists()
