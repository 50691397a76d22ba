"""The picture of growth is that of the saved figures, and no line of it is missing."""

from __future__ import annotations

from pathlib import Path

from benchmarks.registry.growth_picture import PICTURE, draw, histories, steady
from benchmarks.report import load


def test_the_picture_in_the_pages_is_of_the_saved_figures(tmp_path: Path) -> None:
    figures = load(["growth"])[0].figures
    draw(figures, tmp_path / "growth.svg")
    assert (tmp_path / "growth.svg").read_bytes() == PICTURE.read_bytes()


def test_each_line_goes_from_ten_versions_to_a_hundred_thousand() -> None:
    figures = load(["growth"])[0].figures
    drawn = [histories(figures), steady(figures, "load the champion"), steady(figures, "register and promote")]
    assert [sorted(lines) for lines in drawn] == [
        ["S3, cold", "S3, warm", "folder, cold", "folder, warm"],
        ["S3", "folder"],
        ["S3", "folder"],
    ]
    for lines in drawn:
        assert all([versions for versions, _ in line] == [10, 1_000, 10_000, 100_000] for line in lines.values())
