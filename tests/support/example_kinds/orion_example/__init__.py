"""An example of a package that brings a kind of its own: a check that a port of this machine answers."""

from __future__ import annotations

import socket
from typing import ClassVar

from pydantic import Field

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.verdict import Outcome, Verdict


class NetListening(Check):
    """A port of this machine takes connections.

    Passed when a connection to 127.0.0.1 is taken within `timeout_s` seconds; it is closed at once. Failed otherwise.
    """

    name: ClassVar[str] = "net.listening"
    example: ClassVar[str] = """
        check:
          net.listening: {port: 8080}
    """

    port: int = Field(ge=1, le=65_535, description="the TCP port")
    timeout_s: float = Field(2.0, gt=0, le=60, description="seconds to wait for an answer")

    def probe(self, context: Context) -> Verdict:
        """Connect once."""
        try:
            socket.create_connection(("127.0.0.1", self.port), self.timeout_s).close()
        except OSError as fault:
            return Verdict(Outcome.FAILED, f"port {self.port} does not answer: {fault}", "closed")
        return Verdict(Outcome.PASSED, f"port {self.port} takes connections", "open")
