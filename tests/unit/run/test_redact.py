"""Secrets never reach the disk: in any form in which a script prints them, however the stream is cut."""

from __future__ import annotations

import base64
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.run.redact import SECRET_BYTES_MIN, Redactor, forms

PASSWORD = "hunter2-Pa$$w0rd! & ümlaut"
KEY = "-----BEGIN KEY-----\nMIIabcdefghijkl\nmnopqrstuvwxyz\n-----END KEY-----\n"


def redacted(secrets: list[str], pieces: list[bytes]) -> bytes:
    """What becomes of a stream that comes in pieces."""
    redactor = Redactor(forms(secrets))
    return b"".join(redactor.feed(piece) for piece in pieces) + redactor.finish()


@pytest.mark.parametrize(
    "printed",
    [
        PASSWORD,
        quote(PASSWORD),
        quote(PASSWORD, safe=""),
        quote_plus(PASSWORD),
        json.dumps(PASSWORD),
        json.dumps(PASSWORD, ensure_ascii=False),
        shlex.quote(PASSWORD),
        base64.b64encode(PASSWORD.encode()).decode(),
        base64.b64encode(b"user:" + PASSWORD.encode()).decode(),
        base64.b64encode(b"me:" + PASSWORD.encode() + b"\n").decode(),
        base64.urlsafe_b64encode(b"user1:" + PASSWORD.encode()).decode(),
        PASSWORD.encode().hex(),
        PASSWORD.encode().hex().upper(),
    ],
)
def test_a_secret_is_replaced_in_every_usual_form(printed: str) -> None:
    """As it is, percent-encoded, in JSON, quoted for a shell, in base64 (also inside more), in hex."""
    seen = redacted([PASSWORD], [f"before {printed} after\n".encode()]).decode("utf-8", "replace")
    assert "***" in seen
    assert seen.startswith("before ")
    assert seen.endswith(" after\n")
    for part in ("Pa$$w0rd", "Pa%24%24", base64.b64encode(PASSWORD.encode()).decode()[4:-8]):
        assert part not in seen


def test_percent_signs_in_small_letters_are_found() -> None:
    """`%2f` and `%2F` are the same character to those who print them."""
    assert redacted(["tok en/with?chars"], [b"u=tok%20en%2fwith%3fchars&"]) == b"u=***&"


def test_a_key_is_replaced_line_by_line() -> None:
    """A secret of several lines is found when something is printed between them."""
    seen = redacted([KEY], [b"1: MIIabcdefghijkl\n2: mnopqrstuvwxyz\n"])
    assert seen == b"1: ***\n2: ***\n"


def test_short_values_are_left_alone() -> None:
    """A value too short to be a secret does not blot out ordinary text."""
    assert forms(["no", "x", ""]) == []
    assert SECRET_BYTES_MIN > 2


def test_ordinary_output_passes_at_once() -> None:
    """Only what could be the beginning of a secret is held back."""
    redactor = Redactor(forms(["password1"]))
    assert redactor.feed(b"a prompt: ") == b"a prompt: "
    assert redactor.feed(b"pass") == b""
    assert redactor.feed(b"ed\n") == b"passed\n"


def test_without_secrets_nothing_is_touched() -> None:
    """No secret, no work: the very bytes are passed on."""
    redactor = Redactor([])
    data = b"anything"
    assert redactor.feed(data) is data
    assert not redactor.is_needed


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text("abc", min_size=4, max_size=7), min_size=1, max_size=3),
    st.lists(st.binary(max_size=0) | st.text("abcd", max_size=12).map(str.encode), max_size=12),
)
def test_the_cuts_of_a_stream_do_not_matter(secrets: list[str], pieces: list[bytes]) -> None:
    """A stream becomes the same however it is cut, and no secret of it is left.

    The letters are few, so that secrets overlap with themselves, with one another and with every cut.
    """
    whole = b"".join(pieces)
    seen = redacted(secrets, pieces)
    assert (
        seen == redacted(secrets, [whole]) == redacted(secrets, [whole[i : i + 1] for i in range(len(whole))])
    )
    for secret in secrets:
        assert secret.encode() not in seen.replace(b"***", b"|")
