"""Holders: keep credentials encrypted, present chosen claims, see what was shown to whom."""

from __future__ import annotations

from .cards import Card
from .history import Shown
from .portable import Imported
from .unlock import DataKeyWrap, PassphraseWrap, SecretKeyWrap
from .wallet import CardContent, Wallet

__all__ = ["Card", "CardContent", "DataKeyWrap", "Imported", "PassphraseWrap", "SecretKeyWrap", "Shown", "Wallet"]
