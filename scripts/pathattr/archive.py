"""A tar.gz that is the same, byte for byte, for the same files; and its reader, which names the file in which a bit has flipped.

Every file is a gzip member of its own, whose header says, as a comment, the SHA-256 of what follows it there: of the packed bytes,
for some of their bits change nothing that is unpacked. To `tar -xzf` they are one archive. The first file, SHA256SUMS, holds the
SHA-256 of all others, in their order (`sha256sum -c` reads it). No torch, nothing but the standard library.
"""

import hashlib
import io
import os
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .files import replacing

FOLDER = "pathattr"  # what the archive unpacks to
SUMS = "SHA256SUMS"
HEADER = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\xff"  # of a gzip member: deflated, no name, a comment, no time, no system
COMMENT = 65  # bytes of a SHA-256 in hexadecimal digits and of the zero behind it
END = bytes(1024)  # of a tar file
CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file to be archived: its bytes, or where they are."""

    source: bytes | Path
    executable: bool = False

    def read(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


def sums(text: str) -> dict[str, str]:
    """Names -> SHA-256, of the text of SHA256SUMS."""
    return {line[66:]: line[:64] for line in text.splitlines() if line[64:66] == "  "}


def sealed(entries: dict[str, Entry]) -> dict[str, tuple[str, int]]:
    """Names -> SHA-256 and number of bytes, in the order of the archive."""
    return {name: (hashlib.sha256(data).hexdigest(), len(data)) for name in sorted(entries) for data in [entries[name].read()]}


def write(path, entries: dict[str, Entry], time: int):
    """Write files by their names in the archive's folder, each with this time of change (seconds since 1970), owned by nobody."""
    digests = {name: digest for name, (digest, _) in sealed(entries).items()}
    listed = "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_member(SUMS, Entry(listed), listed, time))
        for name, digest in digests.items():
            data = entries[name].read()
            if hashlib.sha256(data).hexdigest() != digest:
                raise InputError(f"{name}: changed while it was packed; accepted: no run at work in that folder")
            file.write(_member(name, entries[name], data, time))
        file.write(_gzip(END))


def _member(name: str, entry: Entry, data: bytes, time: int) -> bytes:
    info = tarfile.TarInfo(f"{FOLDER}/{name}")
    info.size, info.mtime, info.mode = len(data), time, 0o755 if entry.executable else 0o644
    return _gzip(info.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512))


def _gzip(data: bytes) -> bytes:
    deflater = zlib.compressobj(6, wbits=-15)
    body = deflater.compress(data) + deflater.flush() + struct.pack("<II", zlib.crc32(data), len(data) % 2**32)
    return HEADER + _comment(hashlib.sha256(body)) + body


def _comment(found) -> bytes:
    return found.hexdigest().encode() + b"\0"


def unpack(path, folder) -> dict[str, str]:
    """Unpack into a folder, each file once it is known to be whole. Returns the names and SHA-256 of all but SHA256SUMS.

    Raises `InputError` naming the first file that is not, byte for byte, the one that was packed.
    """
    folder, listed = Path(folder), {}
    with _opened(path) as file:
        members = _unzipped(file)
        try:
            listed = sums(_unpacked(path, members, SUMS, folder).decode())
        except UnicodeDecodeError:
            listed = {}
        if not listed:
            raise InputError(f"{path}: {SUMS}: lists no file; accepted: what `make package` has written")
        for name, digest in listed.items():
            if hashlib.sha256(_unpacked(path, members, name, folder)).hexdigest() != digest:
                raise InputError(f"{path}: {name}: other bytes than {SUMS} says")
        if _next(path, members, "its end") != END or next(members, None) is not None:
            raise InputError(f"{path}: its end: more than {SUMS} says")
    return listed


def _opened(path):
    try:
        return open(path, "rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; accepted: what `make package` has written") from None


def _unpacked(path, members: Iterator[bytes], name: str, folder: Path) -> bytes:
    """Unpack the next member, which must be the file of this name; its bytes."""
    data = _next(path, members, name)
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            info = tar.next()
    except tarfile.TarError:
        info = None
    place = folder / FOLDER / name
    is_inside = (folder / FOLDER).resolve() in place.resolve().parents
    if info is None or not info.isfile() or info.name != f"{FOLDER}/{name}" or not is_inside:
        raise InputError(f"{path}: {name}: another file stands in its place")
    content = data[info.offset_data : info.offset_data + info.size]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    place.chmod(info.mode)
    os.utime(place, (info.mtime, info.mtime))
    return content


def _next(path, members: Iterator[bytes], name: str) -> bytes:
    try:
        return next(members)
    except StopIteration:
        raise InputError(f"{path}: {name}: missing, the archive ends before it") from None
    except zlib.error as error:
        raise InputError(f"{path}: {name}: torn, or changed since it was packed ({error})") from None


def _unzipped(file) -> Iterator[bytes]:
    """What each gzip member of a file holds. Raises `zlib.error`."""
    rest = file.read(CHUNK)
    while rest:
        if len(rest) < len(HEADER) + COMMENT:
            rest += file.read(CHUNK)
        if not rest.startswith(HEADER):
            raise zlib.error("another header than `make package` writes")
        comment, rest = rest[len(HEADER) : len(HEADER) + COMMENT], rest[len(HEADER) + COMMENT :]
        inflater, parts, found = zlib.decompressobj(31), [], hashlib.sha256()
        inflater.decompress(HEADER + comment)
        while not inflater.eof:
            rest = rest or file.read(CHUNK)
            if not rest:
                raise zlib.error("cut short")
            parts.append(inflater.decompress(rest))
            found.update(rest[: len(rest) - len(inflater.unused_data)])
            rest = inflater.unused_data
        if _comment(found) != comment:
            raise zlib.error("other bytes than its SHA-256 says")
        yield b"".join(parts)
        rest = rest or file.read(CHUNK)
