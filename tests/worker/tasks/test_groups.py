"""Runs over several images: one question, whose result is the run's whole result."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from rs_core.classifiers import Classifier
from rs_core.errors import NotFoundError, ParameterError
from rs_core.events import Finished, PhaseStep, Stream
from rs_core.images import ImageInput
from rs_core.store import owner_id
from rs_core.store.documents import read_document
from rs_core.worker import request
from rs_core.worker.tasks import kinds
from rs_core.worker.tasks.base import Origin, Share
from tests.worker.conftest import Office
from tests.worker.test_damage import as_older
from tests.worker.test_runs import restarted


@dataclass(frozen=True)
class Listed:
    """Says which images it was given, one after another."""

    origin: Origin
    word: str = "listed"

    @property
    def share(self) -> Share:
        return Share(3, 0.03)

    def config(self) -> dict[str, Any]:
        return {"word": self.word}

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        if self.word == "refuse":
            raise ParameterError("word=refuse is refused: give another.")

    def run(
        self, classifier: Classifier, images: Sequence[ImageInput], *, seed: int, batch_size: int
    ) -> Stream[dict[str, Any]]:
        for done in range(1, len(images) + 1):
            yield PhaseStep(done, len(images), f"{self.word} {images[done - 1].name}")
        names = [image.name for image in images]
        yield Finished({"names": names, **self.origin._asdict(), "seed": seed})


@pytest.fixture(autouse=True)
def _kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(config: Mapping[str, Any], origin: Origin) -> Listed:
        return Listed(origin, **config)

    monkeypatch.setitem(kinds.GROUP_TASKS, "list", build)


def sampled(office: Office, *names: str) -> list[str]:
    return [office.image(sample=f"digit-{name}") for name in names or ("7", "3", "8")]


def start(office: Office, images: list[str], **changes: Any) -> str:
    fields = {"kind": "list", "model": office.model(), "images": images, "precision": "fp32"}
    return str(office.ask("start", **{**fields, **changes})["job"])


def step(office: Office) -> None:
    """One step of one run."""
    office.bench._turn_seconds = 1e-9
    office.bench.turn()


def test_the_result_is_whole_and_the_images_are_named(office: Office) -> None:
    images = sampled(office)
    job = start(office, images, seed=4)
    assert office.follow(job)["step"] is None
    step(office)
    assert office.follow(job)["step"] == {"done": 1, "total": 3, "phase": "listed digit-7"}
    office.finish()
    found = office.follow(job)
    assert found["result"] == {
        "names": ["digit-7", "digit-3", "digit-8"], "dataset": "", "indices": [0, 1, 2], "seed": 4,
    }  # fmt: skip
    about = found["about"]
    assert about["image_ids"] == images
    assert about["labels"] == [7, 3, 8]
    assert about["title"] == "3 images"
    assert about["config"] == {"word": "listed"}
    assert "images" not in about
    assert "image_id" not in about


def test_every_image_is_counted_with_its_share(office: Office) -> None:
    images = sampled(office)
    job = start(office, [*images, images[0]])
    found = office.follow(job)
    assert (found["questions"], found["risk"]) == (3, pytest.approx(0.03))
    again = start(office, [*images, images[0]])
    assert again == job
    assert office.follow(job)["questions"] == 3
    alone = office.start(image=images[1], kind="certify", config={"sigma": 0.5, "n": 200})
    assert office.follow(alone)["questions"] == 4
    office.finish()
    found = office.follow(job)
    assert (found["questions"], found["risk"]) == (4, pytest.approx(0.031))
    other = office.start(image=images[2], kind="predict", config={"sigma": 0.5})
    assert office.follow(other)["questions"] == 4


def test_another_order_label_or_set_is_another_question(office: Office) -> None:
    images = sampled(office)
    first = start(office, images)
    relabelled = office.ask("decode", model=office.model(), sample="digit-7", label=1)["image"]
    assert relabelled == images[0]
    others = [
        start(office, images[::-1]),
        start(office, images[:2]),
        start(office, images, config={"word": "said"}),
        start(office, images),
    ]
    assert len({first, *others}) == 5
    assert [office.follow(job)["about"]["labels"][0] for job in (first, others[-1])] == [7, 1]


def test_a_run_over_images_goes_on_in_the_next_process(office: Office) -> None:
    job = start(office, sampled(office), seed=9)
    step(office)
    assert office.follow(job)["done"] == 1
    later = restarted(office)
    later.desk.opener.adopt_all()
    assert later.follow(job)["step"] is None
    later.finish()
    found = later.follow(job)
    assert (found["state"], found["result"]["seed"]) == ("finished", 9)
    assert start(later, sampled(later), seed=9) == job
    later.store.close()


def test_a_cancel_in_the_middle(office: Office) -> None:
    job = start(office, sampled(office))
    step(office)
    assert office.ask("cancel", job=job)["state"] == "cancelled"
    office.finish()
    found = office.follow(job)
    assert (found["state"], found["done"], found["total"]) == ("cancelled", 1, 3)
    assert found["result"] is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"images": []}, "images"),
        ({"images": None}, "images is missing"),
        ({"images": "x" * 32}, "images"),
        ({"images": [3]}, "images"),
        ({"images": [""]}, "images"),
        ({"images": ["0" * 32] * 201}, "limit is 200"),
        ({"config": {"word": "refuse"}}, "refused"),
        ({"kind": "lists"}, "sweep, certify, predict"),
        ({"kind": None}, "kind"),
    ],
)
def test_bad_requests_start_nothing_and_count_nothing(
    one_run: tuple[Office, str], changes: dict[str, Any], reason: str
) -> None:
    office, alone = one_run
    with pytest.raises(ParameterError, match=reason):
        start(office, **{"images": sampled(office), **changes})
    assert [run["job"] for run in office.ask("runs")["runs"]] == [alone]
    assert office.follow(alone)["questions"] == 1


def test_an_image_that_is_not_there_is_not_found(office: Office) -> None:
    images = sampled(office)
    for bad in ("0" * 32, "../../etc/passwd", "x"):
        with pytest.raises(NotFoundError, match="image not found"):
            start(office, [*images, bad])


def test_images_together_have_a_limit_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "_MAX_VALUES", 2 * 784)
    images = sampled(office)
    assert start(office, images[:2])
    with pytest.raises(ParameterError, match="too many for one run: the limit is 2"):
        start(office, images)


def test_runs_and_counts_of_an_older_version_stay_readable(office: Office) -> None:
    """What is on disk from before runs could have several images."""
    image = office.image()
    job = office.start(image=image)
    office.finish()
    asked = read_document(office.store.home / "runs" / job / "request.json").content
    assert set(asked["request"]) == {
        "model", "weights", "image", "image_id", "label", "config", "seed", "device", "precision",
        "share", "origin", "seed_given",
    }  # fmt: skip
    counts = next(office.store.home.glob("owners/*/questions.json"))
    (about,) = read_document(counts).content
    counts.write_text(json.dumps({about: {"old": 0.25, "older": 0.5}}))
    found = office.follow(job)
    assert (found["questions"], found["risk"]) == (2, 0.75)
    assert found["about"]["image_id"] == image
    start(office, [image])
    assert office.follow(job)["questions"] == 5


def test_where_an_image_comes_from_is_no_part_of_the_question(office: Office) -> None:
    """So a run that was asked before requests said it is found again, and read."""
    image = office.image()
    job = office.start(image=image)
    office.finish()
    folder = office.store.home / "runs" / job
    asked = as_older(folder)
    assert asked["request"].pop("origin") == {"dataset": "", "index": 0}
    (folder / "request.json").write_text(json.dumps(asked))
    later = restarted(office)
    assert later.follow(job)["state"] == "finished"
    assert "origin" not in later.follow(job)["about"]
    assert later.start(image=image) == job
    owner, belongings = owner_id("ann"), later.store.belongings
    place = {"origin": {"dataset": "MNIST test", "index": 3}}
    belongings.keep_image(owner, image, belongings.image(owner, image) | place)
    assert later.start(image=image) == job
    later.store.close()


def test_a_run_of_an_older_version_is_taken_over(office: Office) -> None:
    """Exactly the fields that its request had."""
    from rs_core.results import to_json
    from rs_core.worker.pictures import image_of

    model = office.model()
    image = office.image()
    owner = owner_id("ann")
    pixels = image_of(office.store.belongings.image(owner, image))
    classifier = office.desk._shelf.classifier(owner, model, "cpu", "fp32")
    request = {
        "model": model, "weights": classifier.weights_id, "image": to_json(pixels),
        "image_id": image, "label": 7, "config": {"sigma": 0.5, "n": 200}, "seed": 0,
        "device": "cpu", "precision": "fp32",
    }  # fmt: skip
    run, claim = office.store.create(
        owner, key="k" * 32, kind="predict", title="digit-7", request=request
    )
    claim.release()
    office.desk.opener.adopt_all()
    office.finish()
    found = office.follow(run.job)
    assert (found["state"], found["result"]["n"]) == ("finished", 200)
    assert asdict(run)["request"]["label"] == 7
