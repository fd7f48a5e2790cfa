"""How the service listens."""

import socket

from app.server.run import _listening
from app.settings import Settings


def test_pieces_of_an_answer_do_not_wait_for_each_other() -> None:
    """uvicorn sends head and body apart; the second must not wait for an ACK."""
    with (
        _listening(Settings(port=0)) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        taken, _ = listener.accept()
        with taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
