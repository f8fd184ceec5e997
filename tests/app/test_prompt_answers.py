"""Connections that a socket accepts send small answers at once."""

import socket

from app.prompt_answers import send_at_once


def test_accepted_connections_inherit_the_option():
    with socket.socket(socket.AF_INET) as bound:  # as Streamlit binds it, before it listens
        bound.bind(("127.0.0.1", 0))
        assert send_at_once() >= 1
        bound.listen()
        with socket.create_connection(bound.getsockname()) as client:
            accepted, _ = bound.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                client.sendall(b"x")
                assert accepted.recv(1) == b"x"
