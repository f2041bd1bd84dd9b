"""What Django calls first: checks and the deletion of users are registered, the settings are read."""

from django.apps import AppConfig
from django.contrib.auth import get_user_model
from django.db.models.signals import pre_delete
from django.utils.translation import gettext_lazy as _


class WxRealnameConfig(AppConfig):
    name = "wx_realname"
    verbose_name = _("WeChat real names")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, conf  # noqa: F401 - importing registers the checks
        from .services.lifecycle import erase_for_deleted_user

        def erase(sender: object, instance: object, **kwargs: object) -> None:
            erase_for_deleted_user(instance)

        pre_delete.connect(
            erase, sender=get_user_model(), weak=False, dispatch_uid="wx_realname.user_deleted"
        )
        if conf.is_set():
            conf.current()  # a wrong setting stops the start, under any server
