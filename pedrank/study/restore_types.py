"""Numbers and truth values of a configuration that arrived as text.

Snakemake reads the parts of `--config 'finetune={seeds: 3}'` and `--config together=false` as text, and YAML 1.1 reads
1e-4, which has no point, as text. The schema says where a number or a truth value belongs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, MutableSequence
from pathlib import Path
from typing import Any

from pedrank.formats.yaml_file import read_yaml

# Parts whose values the schema does not describe, since they are options of functions.
_FREE = ("metric_options", "refinements")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TRUTH = {"true": True, "false": False}


def restore_types(config: MutableMapping[str, Any], schema: Path) -> None:
    """Replace text by the number or truth value that it spells, in place, where the schema asks for one.

    In options of metrics and refinements, which the schema does not describe, every such text is replaced. Text that
    spells nothing of the wanted type stays, and `pedrank.study.config.check_schema` reports it.

    Args:
        config: The configuration.
        schema: File of the schema.
    """
    import jsonschema

    validator = jsonschema.Draft202012Validator(read_yaml(schema))
    for error in list(validator.iter_errors(config)):
        if error.validator == "type" and isinstance(error.instance, str) and error.absolute_path:
            *above, last = error.absolute_path
            part: Any = config
            for step in above:
                part = part[step]
            part[last] = spelt(error.instance, error.validator_value)
    for name in _FREE:
        if name in config:
            config[name] = _all_spelt(config[name])


def spelt(text: str, wanted: str = "any") -> Any:
    """The value of a type of JSON schema that a text spells; the text itself if it spells none.

    Args:
        text: The text.
        wanted: "boolean", "integer", "number", or "any" of them.

    >>> spelt("1e-4", "number"), spelt("3", "integer"), spelt("false", "boolean"), spelt("3.5", "integer")
    (0.0001, 3, False, '3.5')
    """
    word = text.strip()
    if wanted in ("boolean", "any") and word.lower() in _TRUTH:
        return _TRUTH[word.lower()]
    if wanted in ("integer", "number", "any") and _WHOLE.fullmatch(word):
        return int(word)
    if wanted in ("number", "any") and _REAL.fullmatch(word):
        return float(word)
    return text


def _all_spelt(value: Any) -> Any:
    if isinstance(value, str):
        return spelt(value)
    if isinstance(value, Mapping):
        return {key: _all_spelt(item) for key, item in value.items()}
    return [_all_spelt(item) for item in value] if isinstance(value, MutableSequence) else value
