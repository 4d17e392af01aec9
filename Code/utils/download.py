"""Fetching a large file through a network that may stall, break or lie."""

import os
import re
import sys
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

from utils.console import BadInput
from utils.prepare import hash_of_file

TIMEOUT = 30.0  # seconds without a byte
_NETWORK_ERRORS = (OSError, HTTPException, ValueError)


def download(url: str, path: Path, md5: str, size: int) -> None:
    """Fetch ``url`` as ``path``: the file of this md5, or nothing.

    What has come so far stands beside it, as ``….part``. After a break it goes on from
    there, as long as every attempt brings something; so does the next run.

    :param size: of the whole file, in bytes
    :raises BadInput: it can't be had, or is another file
    """
    if not url.startswith(("http://", "https://")):
        raise BadInput(f"{url}: is no address: give one that begins with https://")
    by_hand = f"fetch {path.name} with a browser and put it into {path.parent}"
    part = path.with_name(f"{path.name}.part")
    most, afresh = _size(part), False
    while True:
        before, why = _size(part), ""
        if before < size:
            try:
                with part.open("ab") as file:
                    why = _receive(url, file, size)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:  # of the disk: those of the network are caught
                error.filename = str(path)
                raise
        arrived = _size(part)
        if arrived == size and hash_of_file(part, "md5") == md5:
            part.replace(path)
            return
        if arrived >= size or arrived == 0:
            part.unlink(missing_ok=True)
        if arrived >= size:
            if afresh or before == 0:
                raise BadInput(f"{url}: is not the official {path.name}: {by_hand}")
            most, afresh = 0, True  # what it began with may have been wrong
        elif arrived <= most:
            raise BadInput(
                f"{path}: the download failed after {arrived / 1e6:.1f} of "
                f"{size / 1e6:.1f} MB ({why}): run it again to go on from there, or "
                f"{by_hand}"
            )
        else:
            most = arrived


def _receive(url: str, file: BinaryIO, size: int) -> str:
    """Append to ``file`` what comes, up to one byte too many; say why it ended."""
    arrived = file.tell()
    headers = {"User-Agent": "Mozilla/5.0 (a tutorial of PyTorch)"}
    if arrived:
        headers["Range"] = f"bytes={arrived}-"
    try:
        response = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except _NETWORK_ERRORS as error:
        reason = (
            None if isinstance(error, HTTPError) else getattr(error, "reason", None)
        )
        return str(reason or error) or type(error).__name__
    with response:
        start, whole = _what_comes(response)
        if start not in (0, arrived) or whole not in (None, size):
            return f"the server has another file, of {whole} bytes"
        if start == 0:
            file.truncate(0)
            arrived = 0
        options = dict(unit="B", unit_scale=True, file=sys.stdout, disable=None)
        with tqdm(total=size, initial=arrived, **options) as bar:
            while arrived <= size:
                try:
                    block = response.read1(1 << 16)
                except _NETWORK_ERRORS as error:
                    return str(error) or type(error).__name__
                if not block:
                    break
                arrived += file.write(block)
                bar.update(len(block))
    return "the connection ended"


def _what_comes(response: HTTPResponse) -> tuple[int, int | None]:
    """Return which byte of the file comes first, and the file's length, if known."""
    if response.status == 206:
        pattern = r"bytes (\d+)-\d+/(\d+|\*)"
        found = re.fullmatch(pattern, response.headers.get("Content-Range", ""))
        if not found:
            return -1, None
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
