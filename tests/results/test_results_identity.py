"""A run's name stands for everything that decides its bytes."""

from __future__ import annotations

import time

import factory
import pytest

from gigawatt.results import identity
from gigawatt.spec import Programme
from gigawatt.spec.campus import Service, TrainingRun


def test_the_same_input_has_the_same_name() -> None:
    assert factory.run().id == factory.run().id


def test_another_seed_campus_or_package_has_another_name(monkeypatch) -> None:
    names = {factory.run().id, factory.run(seed=1).id, factory.run(factory.campus(years=3)).id}
    monkeypatch.setattr(identity, "package_digest", lambda: "another")
    names.add(factory.run().id)
    assert len(names) == 4


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Hyperion", "hyperion"),
        ("Île-de-France / Campus 1", "ile-de-france-campus-1"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>", "script"),
        ("東京", "campus"),
        ("a" * 99, "a" * 40),
    ],
)
def test_a_name_becomes_a_safe_folder(name: str, slug: str) -> None:
    assert identity.slug(name) == slug


def test_the_package_is_read_in_under_a_tenth_of_a_second() -> None:
    identity.package_digest()  # the first reading may have to come from the disk
    begun = time.process_time()
    fresh = identity.package_digest.__wrapped__()
    assert time.process_time() - begun < 0.1
    assert fresh == identity.package_digest()


def test_what_a_named_model_file_says_is_part_of_the_input(tmp_path) -> None:
    config = tmp_path / "config.json"

    def digest() -> str:
        programme = Programme.model_construct(
            training=(TrainingRun.model_construct(model=str(config)),),
            services=(Service.model_construct(model="llama-4-maverick"),),
        )
        return identity.input_digest(factory.campus().model_copy(update={"programme": programme}))

    assert digest() == ""
    config.write_text('{"num_hidden_layers": 1}')
    first = digest()
    config.write_text('{"num_hidden_layers": 2}')
    assert first
    assert digest() not in {"", first}
