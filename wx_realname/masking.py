"""What may be shown of a name and a number: the name's last character, the number's first and last."""

from __future__ import annotations


def mask_name(real_name: str) -> str:
    """``张三`` → ``*三``, ``欧阳娜`` → ``**娜``; a single character is hidden."""
    return "*" if len(real_name) == 1 else "*" * (len(real_name) - 1) + real_name[-1]


def hide_name(masked: str) -> str:
    """``**娜`` → ``***``: for MASK_NAME "none", which holds for what was masked before, too."""
    return "*" * len(masked)


def mask_credential_id(credential_id: str) -> str:
    """``440…018`` → ``4****************8``, as long as the number itself."""
    return credential_id[0] + "*" * (len(credential_id) - 2) + credential_id[-1]
