"""A small DNS server, whose names a test changes while it runs."""

import ipaddress
import threading
from types import TracebackType
from typing import Self

from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from tests.support.network import NAME_SERVER


class NameServer(BaseResolver):  # type: ignore[misc]
    """Answers from `names`: the addresses of each, of both families. Other names do not exist."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.asked = 0
        self.silent = False
        self._closing = threading.Event()
        self._servers = [
            DNSServer(self, address=NAME_SERVER, port=53, tcp=tcp, logger=DNSLogger(logf=lambda line: None))
            for tcp in (False, True)
        ]

    def __enter__(self) -> Self:
        for server in self._servers:
            server.start_thread()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        for server in self._servers:
            server.stop()
            server.server.server_close()
            server.thread.join()

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        """Answer one question."""
        self.asked += 1
        if self.silent:
            self._closing.wait()
        reply, name = request.reply(), str(request.q.qname)
        found = self.names.get(name.rstrip("."))
        if found is None:
            reply.header.rcode = RCODE.NXDOMAIN
            return reply
        for address in found:
            version = ipaddress.ip_address(address).version
            kind, data = (QTYPE.A, A(address)) if version == 4 else (QTYPE.AAAA, AAAA(address))
            if request.q.qtype == kind:
                reply.add_answer(RR(name, kind, rdata=data, ttl=0))
        return reply
