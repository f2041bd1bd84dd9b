"""The citizen's rights: notices, consents and their withdrawal, who looked, a copy."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import router
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..exceptions import NotFound
from ..models import Consent
from ..services.rights import accesses, notices, own_copy
from .serializers import ConsentSerializer, represent_access, represent_consent, represent_notice
from .views import NewestFirst, RealNameView


class NoticeInForce(RealNameView):
    """GET: the notice of a purpose that is in force, in the request's language."""

    def get(self, request: Request, purpose: str) -> Response:
        return Response(represent_notice(notices.notice_for(purpose)))


class NewestConsentFirst(NewestFirst):
    """Keyset pages of consents."""

    ordering = ("-given_at", "-id")


class Consents(RealNameView):
    """GET: the caller's own consents, newest first. POST: consent to another purpose."""

    pagination_class = NewestConsentFirst

    def get(self, request: Request) -> Response:
        paginator = self.pagination_class()
        own = _own_consents(request).select_related("notice")
        page: Any = paginator.paginate_queryset(own, request, view=self) or []
        return paginator.get_paginated_response([represent_consent(each) for each in page])

    def post(self, request: Request) -> Response:
        body = ConsentSerializer().run_validation(request.data)
        consent = services.consent_to(
            user=request.user, notice=body["notice"].reveal(), request=request
        )
        return Response(represent_consent(consent), status=status.HTTP_201_CREATED)


class Withdrawal(RealNameView):
    """POST: the caller's consents to that purpose are withdrawn."""

    def post(self, request: Request, pk: UUID) -> Response:
        consent = _own_consents(request).select_related("notice").filter(pk=pk).first()
        if consent is None:
            raise NotFound
        services.withdraw(consent, user=request.user, request=request)
        consent.refresh_from_db()
        return Response(represent_consent(consent))


class Accesses(RealNameView):
    """GET: who looked at one of the caller's own records, newest first; no officer's name."""

    pagination_class = NewestFirst

    def get(self, request: Request, pk: UUID) -> Response:
        paginator = self.pagination_class()
        links = accesses.accesses_of(self.own(request, pk))
        page: Any = paginator.paginate_queryset(links, request, view=self) or []
        described = accesses.describe(page, request.user)
        return paginator.get_paginated_response([represent_access(each) for each in described])


class OwnCopy(RealNameView):
    """GET: the caller's own name and number in plain text, where SUBJECT_COPY lets it."""

    def get(self, request: Request, pk: UUID) -> Response:
        verification = self.own(request, pk)
        own_copy.require_fresh(request)
        data = services.copy(verification, actor=request.user, request=request)
        return Response(
            {
                "id": str(verification.pk),
                "real_name": data.real_name,
                "credential_id": data.credential_id,
            }
        )


def _own_consents(request: Request) -> Any:
    user: Any = request.user
    return Consent.objects.using(router.db_for_write(Consent)).filter(user_id=user.pk)
