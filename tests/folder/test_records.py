"""Fields of records that a stranger may have written."""

from pathlib import Path

import pytest
from tiny_models import saved, score

from ganzoo.data.dataset import FILES, LISTING, PIXELS
from ganzoo.errors import ModelError
from ganzoo.folder.records import dataset_of
from ganzoo.folder.scores import add_scores, read_scores


@pytest.mark.parametrize("kind", [PIXELS, FILES, LISTING])
def test_scores_are_read_again_whatever_made_the_fingerprint_of_their_data(tmp_path: Path, kind: str) -> None:
    saved(tmp_path / "model")
    dataset = {"name": "many", "fingerprint": f"{kind}:{'1' * 64}", "split": "test", "count": 200_000}
    add_scores(tmp_path / "model", [score(tmp_path / "model", dataset=dataset)])
    (read,) = read_scores(tmp_path / "model")
    assert read.dataset == dataset


@pytest.mark.parametrize("fingerprint", ["1" * 64, f"sha256:{'1' * 63}", f"other-sha256:{'1' * 64}"])
def test_a_fingerprint_of_no_kind_is_refused(fingerprint: str) -> None:
    record = {"name": "some", "fingerprint": fingerprint, "split": "test", "count": 2}
    with pytest.raises(ModelError, match="fingerprint is"):
        dataset_of(record, Path("metrics.json"))
