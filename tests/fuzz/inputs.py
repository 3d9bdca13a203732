"""Strategies: mutations of real files, and pieces that no real file has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

EXTREMES = [0, 1, -1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]


@st.composite
def mutated(draw: st.DrawFn, *originals: bytes) -> bytes:
    """One of the originals with a few bytes changed, numbers set to extremes, pieces cut, doubled, moved or put in."""
    content = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 6))):
        # Headers stand at the beginning or the end of most files.
        at = draw(st.one_of(st.integers(0, min(len(content), 256)), st.integers(0, len(content))))
        if draw(st.booleans()) and len(content) > 64:
            at = len(content) - min(at, len(content))
        length = draw(st.integers(1, 16))
        match draw(st.sampled_from(["byte", "bit", "number", "cut", "end", "double", "zeros", "insert"])):
            case "byte":
                content[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "bit" if at < len(content):
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "number":
                width, order = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from(["little", "big"]))
                number = draw(st.sampled_from(EXTREMES)) % 2 ** (8 * width)
                content[at : at + width] = number.to_bytes(width, order)
            case "cut":
                del content[at : at + length]
            case "end":
                del content[at:]
            case "double":
                content[at:at] = content[at : at + length * draw(st.sampled_from([1, 1, 64]))]
            case "zeros":
                content[at : at + length] = bytes(length)
            case "insert":
                content[at:at] = draw(st.binary(min_size=1, max_size=16))
    return bytes(content)


@st.composite
def mutated_text(draw: st.DrawFn, original: str, words: Sequence[str]) -> bytes:
    """A text with some of its words or lines replaced, doubled or left out."""
    parts = [line + "\n" for line in original.splitlines()]
    for _ in range(draw(st.integers(1, 4))):
        if not parts:
            break
        at = draw(st.integers(0, len(parts) - 1))
        match draw(st.sampled_from(["word", "drop", "double", "swap", "rubbish"])):
            case "word":
                line = parts[at].split(" ")
                line[draw(st.integers(0, len(line) - 1))] = draw(st.sampled_from(words))
                parts[at] = " ".join(line)
            case "drop":
                del parts[at]
            case "double":
                parts.insert(at, parts[at])
            case "swap":
                parts.insert(draw(st.integers(0, len(parts) - 1)), parts.pop(at))
            case "rubbish":
                parts[at] = draw(st.text(max_size=30))
    return "".join(parts).encode("utf-8", "surrogatepass")


def values(more: Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    """What can stand in JSON or YAML, of extremes and of `more`."""
    plain = st.sampled_from(
        ["", "a", "../x", "\x1b[2J", "a\nb", 0, 1, -1, 10**400, 1e308, float("nan"), float("inf"), True, None]
    )
    scalar = st.one_of(plain, st.sampled_from(list(more) or [None]), st.text(max_size=5), st.integers(), st.floats())
    keys = st.text(max_size=5)
    return st.recursive(scalar, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(keys, deeper, max_size=3))


@st.composite
def replaced(draw: st.DrawFn, original: Any, more: Sequence[Any] = ()) -> Any:
    """Nested mappings and lists with one or two of their parts replaced, renamed, left out or added."""
    import copy

    content = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 2))):
        part = content
        while isinstance(part, (dict, list)) and part:
            key = draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
            if draw(st.booleans()) or not isinstance(part[key], (dict, list)) or not part[key]:
                value = draw(values(more))
                match draw(st.sampled_from(["replace", "replace", "drop", "add"])):
                    case "replace":
                        part[key] = value
                    case "drop":
                        del part[key]
                    case "add" if isinstance(part, dict):
                        part[draw(st.text(max_size=8))] = value
                break
            part = part[key]
    return content
