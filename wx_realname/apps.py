"""The app config: registers checks and the handler of deleted users, and reads the settings."""

from django.apps import AppConfig, apps
from django.contrib.auth import get_user_model
from django.db.models.signals import post_delete, pre_delete
from django.utils.translation import gettext_lazy as _


class WxRealnameConfig(AppConfig):
    name = "wx_realname"
    verbose_name = _("WeChat real names")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, conf, managers  # noqa: F401 - importing registers the checks
        from .services import trust
        from .services.rights.erasure import erase_for_deleted_user
        from .services.upkeep.purge import erase_ownerless

        managers.vouched = trust.vouched

        def erase(sender: object, instance: object, **kwargs: object) -> None:
            erase_for_deleted_user(instance)

        def sweep(sender: object, **kwargs: object) -> None:
            list(erase_ownerless())

        user = get_user_model()._meta.concrete_model
        for model in apps.get_models():
            if model._meta.concrete_model is user:  # a proxy's signals come under its own name
                uid = "wx_realname.user_deleted"
                pre_delete.connect(erase, sender=model, weak=False, dispatch_uid=uid)
                post_delete.connect(sweep, sender=model, weak=False, dispatch_uid=uid)
        if apps.is_installed("drf_spectacular"):
            from .api import schema  # noqa: F401 - importing describes our calls to it
        if conf.is_set() and not conf.is_command():
            conf.current()  # a wrong setting stops the start, under any server; commands report E001
