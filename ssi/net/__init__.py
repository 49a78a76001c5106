"""The adapter for outbound HTTP; imported only where an application is put together."""

from ssi.net.door import HttpDoor

__all__ = ["HttpDoor"]
