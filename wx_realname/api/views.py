"""The calls of the REST interface. A view parses the request and calls a service, which decides."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.urls import reverse
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import status
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import log, services
from ..audit import Origin
from ..exceptions import InvalidRequest, NotFound
from ..models import Verification
from ..personal_data import Secret
from ..services import callers, trust
from ..services.rights.erasure import erase_own
from ..services.verification.categories import category_id
from . import errors
from .parsers import JSONOnly, OpaqueJSONParser
from .serializers import (
    NO_SUCH_STATUS,
    CheckSerializer,
    ExchangeSerializer,
    FaceSerializer,
    represent,
    represent_begun,
)
from .throttles import CategoriesThrottle, FaceThrottle, PostThrottle, ResultThrottle


class RealNameView(APIView):
    """Base of the views: JSON only, this package's error format, no transaction, `no-store`."""

    http_method_names = ["get", "post", "delete", "head"]  # what Allow may name: OPTIONS is refused
    permission_classes: Any = (IsAuthenticated,)
    parser_classes = (OpaqueJSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = JSONOnly
    throttle_classes: Any = (PostThrottle,)
    versioning_class = None
    metadata_class = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = sensitive_post_parameters()(super().as_view(**initkwargs))
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.host = request.get_host()  # a wrong one is refused before anything is done
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Response]:
        return errors.exception_handler

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """In the request's language, also where the host has no LocaleMiddleware."""
        wanted = getattr(request, "LANGUAGE_CODE", None)
        wanted = wanted or translation.get_language_from_request(request)
        there = wanted == translation.get_language()
        with (
            nullcontext() if there else translation.override(wanted),
            log.bound(request_id=log.request_id(request)),
        ):
            response = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def name(self, view: str) -> str:
        """The URL name of one of this package's views, under whatever namespace the host has put them."""
        match = self.request.resolver_match
        return f"{match.namespace}:{view}" if match and match.namespace else f"wx_realname:{view}"

    def record(self, verification: Verification) -> Response:
        """The record; 201 and its Location, when this very call verified it."""
        answer = Response(represent(verification))
        return self.created(answer, verification) if verification.newly_verified else answer

    def created(self, answer: Response, verification: Verification) -> Response:
        """The answer with 201 and the record's address."""
        answer.status_code = status.HTTP_201_CREATED
        path = reverse(self.name("verification"), args=[verification.pk])
        answer["Location"] = f"{self.request.scheme}://{self.host}{path}"
        return answer

    def own(self, request: Request, pk: UUID) -> Verification:
        """The caller's own record. Raises `NotFound`."""
        own = Verification.objects.deciding().of(request.user)
        verification = own.filter(pk=pk).first()
        if verification is None:
            raise NotFound
        return verification


class NewestFirst(CursorPagination):
    """Keyset pages: a place in the list instead of a number, so that page 1,000 costs what page 1 does."""

    ordering = ("-created_at", "-id")
    page_size = 20

    def decode_cursor(self, request: Request) -> Any:
        """The place that the caller names. Raises `NotFound` for one that isn't a place."""
        cursor = super().decode_cursor(request)
        try:
            if cursor is None or cursor.position is None or _moment(str(cursor.position)):
                return cursor
        except (ValueError, OverflowError):
            pass
        raise NotFound


class Verifications(RealNameView):
    """GET: the caller's own records, newest first, or those of `?status=`. POST: the exchange."""

    pagination_class = NewestFirst

    def get(self, request: Request) -> Response:
        paginator = self.pagination_class()
        own = Verification.objects.of(request.user)
        if (wanted := request.query_params.get("status")) is not None:
            own = own.filter(status=_status(wanted))
        page = paginator.paginate_queryset(own, request, view=self) or []
        trust.require(page, Origin.of(request.user, request), reads=False)
        return paginator.get_paginated_response([represent(row) for row in page])

    def post(self, request: Request) -> Response:
        body = _BODY.run_validation(request.data)
        verification = services.exchange(
            user=request.user,
            auth_token=body["auth_token"],
            merchant=callers.merchant_of(request, body.get("merchant")),
            notice=_reveal(body.get("notice")),
            request=request,
        )
        return self.record(verification)


class Checks(RealNameView):
    """POST: the successor. Name and number are checked for the caller's own openid."""

    def post(self, request: Request) -> Response:
        body = CheckSerializer().run_validation(request.data)
        verification = services.check(
            user=request.user,
            openid=callers.openid_of(request),
            code=body["code"],
            real_name=body["real_name"],
            credential_id=body["credential_id"],
            merchant=callers.merchant_of(request, body.get("merchant")),
            notice=_reveal(body.get("notice")),
            request=request,
        )
        return self.record(verification)


class Faces(RealNameView):
    """POST: a face verification of the caller's own openid begins."""

    throttle_classes = (FaceThrottle,)

    def get_throttles(self) -> Any:
        self.face_throttle = FaceThrottle()
        return [self.face_throttle] if self.request.method == "POST" else []

    def post(self, request: Request) -> Response:
        with self.face_throttle.only_what_reached_wechat():
            verification = self._begin(request)
        answer = Response(represent_begun(verification))
        return self.created(answer, verification) if verification.verify_id else answer

    def _begin(self, request: Request) -> Verification:
        body = FaceSerializer().run_validation(request.data)
        return services.begin_face(
            user=request.user,
            openid=callers.openid_of(request),
            real_name=body["real_name"],
            credential_id=body["credential_id"],
            merchant=callers.merchant_of(request, body.get("merchant")),
            notice=_reveal(body.get("notice")),
            request=request,
        )


class FaceResult(RealNameView):
    """POST: ask WeChat how it ended. The phone's own result is not used."""

    throttle_classes = (ResultThrottle,)

    def post(self, request: Request, pk: UUID) -> Response:
        verification = services.finish_face(self.own(request, pk), request=request)
        return Response(represent(verification))


class CurrentVerification(RealNameView):
    """GET: the caller's newest verified record."""

    def get(self, request: Request) -> Response:
        verification = Verification.objects.newest_verified(request.user)
        if verification is None:
            raise NotFound
        trust.require([verification], Origin.of(request.user, request), reads=False)
        return Response(represent(verification))


class VerificationDetail(RealNameView):
    """GET: one of the caller's own. DELETE: its personal data is erased (consent withdrawn)."""

    def get(self, request: Request, pk: UUID) -> Response:
        verification = self.own(request, pk)
        trust.require([verification], Origin.of(request.user, request), reads=False)
        return Response(represent(verification))

    def delete(self, request: Request, pk: UUID) -> Response:
        erase_own(self.own(request, pk), user=request.user, request=request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Categories(RealNameView):
    """GET: the mini-program's categories, and the one that the button takes."""

    throttle_classes = (CategoriesThrottle,)

    def get(self, request: Request) -> Response:
        asked = request.query_params.get("merchant")
        alias = callers.merchant_of(request, Secret(asked) if asked else None)
        listed = services.categories(merchant=alias)
        return Response({"categories": listed, "category_id": category_id(merchant=alias)})


class Nothing(RealNameView):
    """Any other path under the prefix: 404 in this package's error format."""

    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


_BODY = ExchangeSerializer()  # keeps nothing of a request; its fields cost more than all they check


def _status(text: str) -> str:
    if text not in Verification.Status.values:
        raise InvalidRequest(errors={"status": [str(NO_SUCH_STATUS)]})
    return text


def _reveal(value: Secret | None) -> str | None:
    return value.reveal() if value else None


def _moment(text: str) -> datetime | None:
    moment = parse_datetime(text)
    return moment.astimezone(timezone.utc) if moment and moment.tzinfo else None
