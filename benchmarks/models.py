"""Where the good engineer keeps a citizen: one row, made before WeChat is asked, completed after."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Citizen(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    token_digest = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=16, default="pending")
    real_name = models.BinaryField(null=True)
    credential_id = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "benchmarks"
        managed = False  # made by the run, after the migrations of what it refers to

    def __str__(self) -> str:
        return str(self.pk)
