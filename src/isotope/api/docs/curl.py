"""A line for the shell that works when pasted, against the demo operator."""

import json
import shlex
from typing import Final

from isotope.api.demo_keys import PUBLIC_KEY, SECRET_KEY
from isotope.api.operation import Auth, Operation

# Stands for the address under which the page was asked for; filled in when it is sent.
BASE: Final = "http://localhost:8080"


def curl_line(operation: Operation) -> str:
    """The call with its example body. `$TOKEN` is a rider's token, `$DRIVER` a driver's, `$STAFF` one of the dashboard."""
    words = ["curl -s"]
    if operation.method not in ("GET", "POST"):
        words.append(f"-X {operation.method}")
    words.append(f"{BASE}{operation.path}")
    if operation.auth not in (Auth.NONE, Auth.STAFF):
        words.append(f"-H {shlex.quote(f'App-Public-Key: {PUBLIC_KEY}')}")
    match operation.auth:
        case Auth.PUBLIC_AND_CALLER | Auth.PUBLIC_IF_OPEN:
            words.append('-H "Authorization: Bearer $TOKEN"')
        case Auth.SECRET:
            words.append(f"-H {shlex.quote(f'Authorization: Bearer {SECRET_KEY}')}")
        case Auth.STAFF:
            words.append('-H "Authorization: Bearer $STAFF"')
        case Auth.DRIVER:
            words.append('-H "Authorization: Bearer $DRIVER"')
        case _:
            pass
    return " \\\n  ".join([*words, *_body(operation)])


def _body(operation: Operation) -> list[str]:
    example = operation.request_example
    if operation.method == "GET":
        return ["-G", *(f"-d {shlex.quote(f'{name}={value}')}" for name, value in example.items())] if example else []
    if operation.content == "multipart":
        return [f"-F {shlex.quote(f'{name}={value}')}" for name, value in example.items()]
    return ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(example, ensure_ascii=False))}"]
