"""The answer of a ranking as an object: its table, its picks, and the same sentences as on the command line."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pedrank.utils.columns import align
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from pedrank.report.tables.table import Table

_TABLES = (".csv", ".md", ".tex", ".html")


@dataclass(frozen=True)
class Ranking:
    """The ranking of checkpoints for one dataset. A notebook shows it as a table with its explanation.

    Attributes:
        found: All facts, as `pedrank rank --json` prints them.

    >>> import numpy as np, pedrank
    >>> y = np.arange(60) % 3
    >>> Z = np.random.default_rng(0).normal(size=(60, 4))
    >>> ranking = pedrank.rank({"near": Z + np.eye(3, 4)[y], "far": Z + 4 * np.eye(3, 4)[y]}, y)
    >>> ranking.picks, ranking.table["checkpoint"].tolist()
    (['far'], ['far', 'near'])
    """

    found: dict[str, Any] = field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """One row per checkpoint, the best first; `pedrank.ranking.ranking.rank` explains the columns.

        The last one, same_as, names the checkpoint with equal features, if there is one. For real numbers and several
        labels per sample, `pedrank.ranking.from_targets.rank_targets` explains the columns.
        """
        import pandas as pd

        known = {} if "task" in self.found else {"imagenet": float, "prior": float}
        return pd.DataFrame(self.found["checkpoints"]).astype(known)

    @property
    def picks(self) -> list[str]:
        """The checkpoints that rank first: one, or several that tie."""
        return self.found["recommendation"]["picks"]

    @property
    def sure(self) -> str:
        """How certain the first rank is: "sure", "likely" or "open"; for targets that are no classes, "unknown"."""
        return self.found["recommendation"]["sure"]

    @property
    def sentences(self) -> list[str]:
        """The recommendation, its certainty, what it rests on, how far to trust it, and the results of fine-tuning.

        Fine-tuning does not change `picks`: it confirms or corrects them, which its sentences say.
        """
        confirmed = self.found.get("confirmation", {}).get("sentences", [])
        recorded = self.found.get("record")  # what fine-tuning has added to the user's record, a sentence
        kept = self.found.get("kept", {}).get("sentences", [])
        return [*self.found["sentences"], *confirmed, *([recorded] if recorded else []), *kept]

    @property
    def notes(self) -> list[str]:
        """What makes the answer less certain than its numbers look."""
        return self.found["notes"]

    def save(self, path: str | os.PathLike) -> None:
        """Write the ranking to a file.

        Args:
            path: The suffix chooses the content: .json (all facts), .csv (the table, unrounded), or .md, .tex, .html
                (the printed table).

        Raises:
            InputError: Another suffix.
        """
        from pedrank.report.tables.write import write_table
        from pedrank.store.artefacts import write_json

        suffix = Path(path).suffix
        if suffix == ".json":
            write_json(path, self.found)
        elif suffix in _TABLES:
            write_table(self._printed(), [path])
        else:
            raise InputError(f"{path}: the ending must be one of {', '.join(('.json', *_TABLES))}")

    def _printed(self) -> Table:
        from pedrank.report.tables.ranking_table import ranking_table
        from pedrank.report.tables.target_table import target_table

        return (target_table if "task" in self.found else ranking_table)(self.found, self.table)

    def __repr__(self) -> str:
        from pedrank.report.tables.table import texts

        table = self._printed()
        notes = [f"Note: {note}" for note in self.notes]
        return "\n".join([*align(texts(table), left=(0,)), "", *self.sentences, *notes])

    def _repr_html_(self) -> str:
        """For notebooks: the table, the sentences and the notes, without styles of its own."""
        import pandas as pd

        from pedrank.report.tables.table import texts

        table = self._printed()
        head, *rows = texts(table)
        shown = pd.DataFrame(rows, columns=head).to_html(index=False, border=0)
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)
        notes = "".join(f"<li>{escape(note)}</li>" for note in [*self.notes, *table.notes])
        return f"<div><p><b>{escape(f'{table.name}: {table.title}')}</b></p>{shown}{said}<ul>{notes}</ul></div>"
