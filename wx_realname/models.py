"""Records of verifications, consents and notices, and the audit trail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from . import conf, masking
from .exact_text import ExactCharField
from .managers import VerificationManager
from .moments import MomentField
from .personal_data import PersonalData
from .uuid7 import uuid7
from .vault.fields import EncryptedField, Sealed


class Notice(models.Model):
    """What a citizen is shown before giving consent, in one language; published once, never changed."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    purpose = ExactCharField(_("purpose"), max_length=64)
    version = ExactCharField(_("version"), max_length=32)
    language = ExactCharField(_("language"), max_length=16)
    title = ExactCharField(_("title"), max_length=255)
    text = models.TextField(_("text"))
    sha256 = ExactCharField(_("SHA-256 of the text"), max_length=64)
    handler = ExactCharField(_("personal information handler"), max_length=255)
    recipients = models.TextField(_("recipients"), blank=True)
    retention_days = models.PositiveIntegerField(_("retention (days)"), null=True)
    published_at = MomentField(_("published at"))

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(
                fields=("purpose", "version", "language"), name="wx_realname_notice_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.purpose} {self.version} ({self.language})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only the first save: a published notice never changes."""
        if not self._state.adding:
            raise TypeError("a notice that was published is never changed: publish a new version")
        super().save(*args, **kwargs)


class Consent(models.Model):
    """One citizen's consent to one notice: a row for each attempt, which only a withdrawal changes."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,  # the composite index begins with it
    )
    notice = models.ForeignKey(
        Notice,
        verbose_name=_("notice"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    verification_id = models.UUIDField(_("verification"), null=True)
    given_at = MomentField(_("given at"))
    withdrawn_at = MomentField(_("withdrawn at"), null=True)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        default_permissions = ("view",)
        indexes = (
            # a user's list, newest first
            models.Index(fields=("user", "-given_at", "-id"), name="wx_realname_consent_user"),
            models.Index(fields=("notice", "-given_at", "-id"), name="wx_realname_consent_notice"),
            models.Index(fields=("-given_at", "-id"), name="wx_realname_consent_given"),
            models.Index(fields=("verification_id",), name="wx_realname_consent_record"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class Verification(models.Model):
    """One auth_token, face or check and its outcome. Never holds the token itself."""

    class Method(models.TextChoices):
        AUTHORIZE = "authorize", _("authorize button")
        FACE = "face", _("face verification")
        CHECK = "check", _("check")

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        WAITING = "waiting", _("waiting")
        VERIFIED = "verified", _("verified")
        REJECTED = "rejected", _("rejected")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")
        ERASED = "erased", _("erased")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,  # the composite indexes begin with it
    )
    merchant = ExactCharField(_("merchant"), max_length=64)
    mch_id = ExactCharField(_("merchant number"), max_length=32, blank=True)
    app_id = ExactCharField(_("appid"), max_length=64)
    cert_serialno = ExactCharField(_("certificate serial number"), max_length=40, blank=True)
    method = ExactCharField(_("method"), max_length=16, choices=Method.choices)
    status = ExactCharField(_("status"), max_length=16, choices=Status.choices)
    attempt = models.PositiveIntegerField(_("attempt"), default=1)
    consent = models.ForeignKey(
        Consent,
        verbose_name=_("consent"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    real_name_encrypted = EncryptedField(_("name, encrypted"), null=True)
    credential_id_encrypted = EncryptedField(_("ID number, encrypted"), null=True)
    #: Of an undecided face: verify_id, out_seq_no, openid, and the typed name and number, as JSON.
    face_encrypted = EncryptedField(_("face verification, encrypted"), null=True)
    real_name_masked = ExactCharField(_("real name"), max_length=255, null=True)
    credential_id_masked = ExactCharField(_("ID number"), max_length=18, null=True)
    real_name_index = ExactCharField(_("name index"), max_length=64, null=True)
    credential_id_index = ExactCharField(_("number index"), max_length=64, null=True)
    index_key_id = ExactCharField(_("index key id"), max_length=32, blank=True)
    check_digit_valid = models.BooleanField(_("check digit holds"), null=True)

    error_code = ExactCharField(_("error code"), max_length=32, blank=True)
    errcode = models.IntegerField(_("WeChat return code"), null=True)
    verify_ret = models.IntegerField(_("WeChat face verdict"), null=True)
    errmsg = ExactCharField(_("WeChat message"), max_length=400, blank=True)
    hint = ExactCharField(_("WeChat hint"), max_length=100, blank=True)
    in_doubt = models.BooleanField(
        _("in doubt"),
        default=False,
        help_text=_("An attempt may have consumed the token without a known outcome."),
    )
    duration_ms = models.PositiveIntegerField(_("duration (ms)"), null=True)

    created_at = MomentField(_("created at"))
    started_at = MomentField(_("attempt started at"))
    finished_at = MomentField(_("attempt finished at"), null=True)
    verified_at = MomentField(_("verified at"), null=True)
    erased_at = MomentField(_("erased at"), null=True)
    expires_at = MomentField(_("verify_id expires at"), null=True)
    #: When `realname_settle` last took the waiting face.
    settled_at = MomentField(_("taken by settle at"), null=True)

    token_digest = ExactCharField(_("token digest"), max_length=64)
    token_key_id = ExactCharField(_("token digest key id"), max_length=32)
    #: HMAC over both ciphertexts of WeChat's answer: the same on another record is a replay.
    answer_digest = ExactCharField(_("answer digest"), max_length=64, null=True)
    #: Of a check: HMAC over name and number, salted by the row's id.
    typed_digest = ExactCharField(_("digest of what was typed"), max_length=64, blank=True)

    objects = VerificationManager()

    #: True on the instance that `services.exchange` returns when that very call verified it.
    newly_verified = False
    #: WeChat's handle for the camera: on the instance that `services.begin_face` returns, and nowhere else.
    verify_id: str | None = None

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        default_permissions = ("view",)
        permissions = (
            ("reveal_verification", _("Can reveal name and ID number")),
            ("export_plaintext", _("Can export names and ID numbers in plain text")),
            ("erase_verification", _("Can erase personal data")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("token_digest",), name="wx_realname_token_digest_unique"
            ),
            models.UniqueConstraint(
                fields=("answer_digest",), name="wx_realname_answer_digest_unique"
            ),
        )
        indexes = (
            # a user's list, newest first; a deleted user's records
            models.Index(fields=("user", "-created_at", "-id"), name="wx_realname_user_created"),
            # a user's current record
            models.Index(
                fields=("user", "status", "-verified_at"), name="wx_realname_user_verified"
            ),
            # attempts that a crash left pending
            models.Index(fields=("status", "started_at"), name="wx_realname_stuck"),
            # what has outlived RETENTION_DAYS
            models.Index(fields=("status", "verified_at"), name="wx_realname_retention"),
            # finding a person, newest first
            models.Index(
                fields=("credential_id_index", "-created_at", "-id"), name="wx_realname_credential"
            ),
            models.Index(fields=("real_name_index", "-created_at", "-id"), name="wx_realname_name"),
            # under which keys the indexes are
            models.Index(fields=("index_key_id",), name="wx_realname_index_key"),
            # what came under a notice, and outlived its days
            models.Index(fields=("consent", "verified_at"), name="wx_realname_by_consent"),
            # the console's list, and each of its filters
            models.Index(fields=("-created_at", "-id"), name="wx_realname_created"),
            models.Index(fields=("status", "-created_at", "-id"), name="wx_realname_by_status"),
            models.Index(fields=("merchant", "-created_at", "-id"), name="wx_realname_by_merchant"),
            models.Index(fields=("method", "-created_at", "-id"), name="wx_realname_by_method"),
            models.Index(fields=("error_code", "-created_at", "-id"), name="wx_realname_by_error"),
            models.Index(fields=("errcode", "-created_at", "-id"), name="wx_realname_by_errcode"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"

    @property
    def real_name_shown(self) -> str | None:
        """The masked name, as MASK_NAME allows it."""
        masked = self.real_name_masked
        if masked is None or conf.current().mask_name == "last":
            return masked
        return masking.hide_name(masked)

    @classmethod
    def sealed(cls, row_id: UUID, personal_data: PersonalData) -> tuple[Sealed, Sealed]:
        """The two ciphertexts for the row with that id."""
        name, number = map(encrypted_field, _NAME_AND_NUMBER)
        return (
            name.seal(personal_data.real_name, row_id),
            number.seal(personal_data.credential_id, row_id),
        )

    def personal_data(self) -> PersonalData | None:
        """Name and number in plain text, or None when there is no ciphertext (erased, or "masked").

        Raises `DecryptionError`. To show it to a person, use `services.reveal`, which
        leaves an audit event.
        """
        if self.real_name_encrypted is None or self.credential_id_encrypted is None:
            return None
        name, number = map(encrypted_field, _NAME_AND_NUMBER)
        return PersonalData(
            name.open(self.real_name_encrypted, self.pk),
            number.open(self.credential_id_encrypted, self.pk),
        )


_NAME_AND_NUMBER = ("real_name_encrypted", "credential_id_encrypted")


def encrypted_field(name: str) -> EncryptedField:
    """The field of that name, typed as `EncryptedField`."""
    field = Verification._meta.get_field(name)
    if not isinstance(field, EncryptedField):
        raise TypeError(f"{name} is not encrypted")
    return field


class AuditEvent(models.Model):
    """An event of the audit trail: appended, never changed. No foreign keys: nothing cascades to it.

    Holds no name, number, ciphertext or token.
    """

    class Event(models.TextChoices):
        EXCHANGE = "exchange", _("exchange ended")
        EXCHANGE_ABANDONED = "exchange_abandoned", _("exchange abandoned")
        EXCHANGE_SUPERSEDED = "exchange_superseded", _("late answer discarded")
        AUTH_TOKEN_IN_USE = "auth_token_in_use", _("auth_token of another user")
        ERASE = "erase", _("personal data erased")
        SEARCH = "search", _("person searched")
        REVEAL = "reveal", _("personal data revealed")
        EXPORT = "export", _("export begun")
        EXPORT_ENDED = "export_ended", _("export ended")
        PERMISSION_REFUSED = "permission_refused", _("permission refused")
        SEAL = "seal", _("trail sealed")
        ROTATION = "rotation", _("keys rotated")
        CONTRADICTION = "contradiction", _("record contradicts its trail")
        NOTICE_PUBLISHED = "notice_published", _("notice published")
        CONSENT_GIVEN = "consent_given", _("consent given")
        CONSENT_WITHDRAWN = "consent_withdrawn", _("consent withdrawn")
        COPY = "copy", _("copy given to the citizen")
        USE = "use", _("used by a service")
        EXPORT_PART = "export_part", _("records exported")
        EXPORT_REQUESTED = "export_requested", _("plain export requested")
        EXPORT_RELEASED = "export_released", _("plain export released")
        EXPIRY = "expiry", _("old events removed")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    event = ExactCharField(_("event"), max_length=32, choices=Event.choices)
    created_at = MomentField(_("time"))
    actor_id = ExactCharField(_("actor"), max_length=64, blank=True)
    user_id = ExactCharField(_("user"), max_length=64, blank=True)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True)
    verification_id = models.UUIDField(_("verification"), null=True)
    merchant = ExactCharField(_("merchant"), max_length=64, blank=True)
    method = ExactCharField(_("method"), max_length=16, blank=True)
    status = ExactCharField(_("status"), max_length=16, blank=True)
    attempt = models.PositiveIntegerField(_("attempt"), null=True)
    error_code = ExactCharField(_("error code"), max_length=32, blank=True)
    errcode = models.IntegerField(_("WeChat return code"), null=True)
    duration_ms = models.PositiveIntegerField(_("duration (ms)"), null=True)
    reason = ExactCharField(_("reason"), max_length=255, blank=True)
    case_number = ExactCharField(_("case number"), max_length=64, blank=True)
    consent_id = models.UUIDField(_("consent"), null=True)
    purpose = ExactCharField(_("purpose"), max_length=64, blank=True)
    minor = models.BooleanField(_("under 18"), null=True)
    records = models.PositiveIntegerField(_("records reached"), null=True)
    records_digest = ExactCharField(_("digest of the records reached"), max_length=64, blank=True)
    answer_digest = ExactCharField(_("answer digest"), max_length=64, blank=True)
    openid_digest = ExactCharField(_("openid HMAC"), max_length=64, blank=True)
    outcome_hmac = ExactCharField(_("outcome HMAC"), max_length=64, blank=True)
    outcome_key_id = ExactCharField(_("outcome HMAC key id"), max_length=40, blank=True)
    seal = models.PositiveBigIntegerField(_("seal"), null=True, editable=False)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("verification_id", "created_at"), name="wx_realname_audit_record"),
            # the console's list, and each of its filters
            models.Index(fields=("-created_at", "-id"), name="wx_realname_audit_created"),
            models.Index(fields=("event", "-created_at", "-id"), name="wx_realname_audit_event"),
            models.Index(fields=("status", "-created_at", "-id"), name="wx_realname_audit_status"),
            models.Index(
                fields=("merchant", "-created_at", "-id"), name="wx_realname_audit_merchant"
            ),
            models.Index(fields=("method", "-created_at", "-id"), name="wx_realname_audit_method"),
            models.Index(
                fields=("error_code", "-created_at", "-id"), name="wx_realname_audit_error"
            ),
            models.Index(
                fields=("errcode", "-created_at", "-id"), name="wx_realname_audit_errcode"
            ),
            models.Index(fields=("actor_id", "-created_at", "-id"), name="wx_realname_audit_actor"),
            models.Index(fields=("user_id", "-created_at", "-id"), name="wx_realname_audit_user"),
            # a consent's events
            models.Index(fields=("consent_id",), name="wx_realname_audit_consent"),
            # an answer that was discarded, and comes again
            models.Index(fields=("answer_digest",), name="wx_realname_audit_answer"),
            # what isn't sealed yet; what a seal covers
            models.Index(fields=("seal", "created_at"), name="wx_realname_audit_seal"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.event}"


class AuditAccess(models.Model):
    """One record that an event reached: who looked at whom."""

    id = models.BigAutoField(_("id"), primary_key=True)
    event_id = models.UUIDField(_("event"))
    verification_id = models.UUIDField(_("verification"))
    created_at = MomentField(_("time"))

    class Meta:
        verbose_name = _("access")
        verbose_name_plural = _("accesses")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("event_id",), name="wx_realname_access_event"),
            # a record's, newest first
            models.Index(
                fields=("verification_id", "-created_at", "-id"), name="wx_realname_access_record"
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.verification_id}"


class ServiceUse(models.Model):
    """A citizen used the services of a purpose on a day: one row for any number of requests."""

    user_id = ExactCharField(_("user"), max_length=64)
    purpose = ExactCharField(_("purpose"), max_length=64)
    day = models.DateField(_("day"))

    class Meta:
        verbose_name = _("use of a service")
        verbose_name_plural = _("uses of services")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(
                fields=("user_id", "purpose", "day"), name="wx_realname_use_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.purpose} {self.day}"


class ExportRequest(models.Model):
    """A plain export that waits for a second officer: released by another, within a day, and run once."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    actor_id = ExactCharField(_("asked by"), max_length=64)
    reason = ExactCharField(_("reason"), max_length=255)
    case_number = ExactCharField(_("case number"), max_length=64, blank=True)
    filters = ExactCharField(_("filters"), max_length=255)
    asked_at = MomentField(_("asked at"))
    released_by = ExactCharField(_("released by"), max_length=64, blank=True)
    released_at = MomentField(_("released at"), null=True)
    used_at = MomentField(_("run at"), null=True)

    class Meta:
        verbose_name = _("request for a plain export")
        verbose_name_plural = _("requests for plain exports")
        default_permissions = ("view",)
        indexes = (models.Index(fields=("-asked_at", "-id"), name="wx_realname_request_asked"),)

    def __str__(self) -> str:
        return f"{self.pk}"


class AuditSeal(models.Model):
    """A link of the chain: the Merkle root over a batch of events, linked to the previous seal, signed.

    Its number is unique, so that two sealers can't fork the chain.
    """

    number = models.PositiveBigIntegerField(_("number"), primary_key=True)
    previous = ExactCharField(_("hash of the seal before"), max_length=64)
    format = models.PositiveSmallIntegerField(_("format"), default=1)
    root = ExactCharField(_("Merkle root"), max_length=64)
    count = models.PositiveIntegerField(_("events"))
    members = models.BinaryField(_("event ids and leaf hashes"))
    created_at = MomentField(_("time"))
    hash = ExactCharField(_("hash"), max_length=64)
    hmac = ExactCharField(_("HMAC"), max_length=64)
    key_id = ExactCharField(_("HMAC key id"), max_length=40)

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.number}:{'sm3:' if self.format == 2 else ''}{self.hash}"


class HourlyStatistic(models.Model):
    """One hour (UTC) of attempts of one merchant and method, or of all together, counted from the trail.

    The row of all together has no merchant: the overview shows it first.
    Only `statistics` writes it, and can count it again.
    """

    hour = MomentField(_("hour"))
    merchant = ExactCharField(_("merchant"), max_length=64)
    method = ExactCharField(_("method"), max_length=16, choices=Verification.Method.choices)
    attempts = models.PositiveIntegerField(_("attempts"))
    peak = models.PositiveIntegerField(_("most attempts in a minute"))
    peak_at = MomentField(_("that minute"))
    #: [[status, error_code, errcode or null, attempts], ...]
    outcomes = models.JSONField(_("outcomes"))
    #: attempts by duration; the limits are `statistics.LIMITS_MS`
    durations = models.JSONField(_("durations"))
    complete = models.BooleanField(_("complete"))

    class Meta:
        verbose_name = _("hourly statistic")
        verbose_name_plural = _("overview")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(
                fields=("hour", "merchant", "method"), name="wx_realname_hour_unique"
            ),
        )
        indexes = (
            # where the next count begins
            models.Index(fields=("complete", "hour"), name="wx_realname_hour_complete"),
        )

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00} {self.merchant}"
