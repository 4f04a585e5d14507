import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from rs_ui.client.worker import WorkerError
from rs_ui.panels import plain
from tests.pages.conftest import OWNER, Open
from tests.pages.fake_worker import DIGITS, MODELS, FakeWorker

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def test_a_link_restores_image_network_seed_and_alpha(open_app: Open, worker: FakeWorker) -> None:
    app = open_app(image="cat", model="cifar10-conv4", seed="7", alpha="0.01")
    asked = next(fields for verb, fields in worker.calls if verb == "start")
    assert (asked["model"], asked["seed"], asked["config"]["alpha"]) == ("cifar10-conv4", 7, 0.01)
    assert app.sidebar.selectbox(key="image").value == "cat"


def test_the_link_to_copy_carries_settings_and_no_run(open_app: Open) -> None:
    app = open_app("sweep", image="cat", run="job-of-mine")
    link = app.sidebar.code[0].value
    assert "image=cat" in link
    assert "run" not in link
    assert OWNER not in link


def test_another_preset_brings_a_network_that_knows_it_and_back(open_app: Open) -> None:
    app = open_app()
    app.sidebar.selectbox(key="image").set_value("cat").run()
    assert app.sidebar.selectbox(key="model").value == "cifar10-conv4"
    app.sidebar.selectbox(key="model").set_value("mnist-conv4").run()
    assert app.sidebar.selectbox(key="image").value == "digit-3"


def test_an_upload_is_decoded_and_its_digit_can_be_left_as_it_is(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app()
    app.sidebar.segmented_control(key="source").set_value("Your own").run()
    app.sidebar.file_uploader(key="file_0").upload("six.png", PNG, "image/png").run()
    assert any("inverted" in caption.value for caption in app.sidebar.caption)
    app.sidebar.segmented_control(key="ink").set_value("Keep").run()
    assert not any("inverted" in caption.value for caption in app.sidebar.caption)
    assert worker.calls[-1][0] != "decode" or worker.calls[-1][1]["invert"] is False


def test_a_bad_file_is_explained_in_the_sidebar_and_the_image_stays(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app()
    app.sidebar.segmented_control(key="source").set_value("Your own").run()
    app.sidebar.file_uploader(key="file_0").upload("[x](http://evil).png", b"junk", "image/png")
    app.run()
    assert not app.exception
    assert "not a supported image" in app.sidebar.error[0].value
    assert "[x](" not in app.sidebar.error[0].value
    assert "A Certified" in app.main.get("html")[0].proto.body


def test_the_true_class_of_an_upload_may_be_named(open_app: Open, worker: FakeWorker) -> None:
    app = open_app()
    app.sidebar.segmented_control(key="source").set_value("Your own").run()
    app.sidebar.file_uploader(key="file_0").upload("six.png", PNG, "image/png").run()
    assert "true class was not given" in app.main.get("html")[0].proto.body
    app.sidebar.selectbox(key="label_mnist-conv4").set_value(6).run()
    assert "the true class is class 6" in app.main.get("html")[0].proto.body


def test_an_uploaded_network_joins_the_list_and_is_taken(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app()
    files = app.sidebar.file_uploader(key="model_files_0")
    files.upload("m.safetensors", b"w").upload("m.json", b"{}", "application/json").run()
    assert app.sidebar.selectbox(key="model").value == "upload:1234"
    assert worker.count("upload_model") == 1


def test_an_uploaded_network_is_on_offer_again_after_a_reload(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app()
    app.sidebar.file_uploader(key="model_files_0").upload("m.safetensors", b"w").upload(
        "m.json", b"{}", "application/json"
    ).run()
    again = open_app(model="mine (yours, 1234)")
    assert again.sidebar.selectbox(key="model").value == "upload:1234"


def test_a_network_that_no_longer_reads_is_named_and_can_be_deleted(
    open_app: Open, worker: FakeWorker
) -> None:
    worker.unreadable["upload:0123456789"] = "model.json is not json; take another."
    app = open_app()
    assert not app.exception
    assert app.sidebar.selectbox(key="model").value == "mnist-conv4"
    said = "Your network 01234567 cannot be used: model.json is not json; take another."
    assert [error.value for error in app.sidebar.error] == [plain(said)]
    app.sidebar.button(key="delete_upload:0123456789").click().run()
    assert worker.unreadable == {}
    assert not app.sidebar.error


def test_a_network_of_a_known_name_hides_no_other(open_app: Open, worker: FakeWorker) -> None:
    app = open_app()
    files = app.sidebar.file_uploader(key="model_files_0")
    files.upload("m.safetensors", b"w")
    files.upload("m.json", b'{"name": "mnist-conv4"}', "application/json").run()
    asked = [fields["model"] for verb, fields in worker.calls if verb == "start"]
    assert asked == ["mnist-conv4", "upload:1234"]
    models = app.sidebar.selectbox(key="model")
    assert sorted(set(models.options)) == sorted(models.options)
    models.select_index(0).run()
    assert next(f["model"] for verb, f in worker.calls[::-1] if verb == "start") == "mnist-conv4"


@pytest.mark.parametrize("text", [b"", b"\xff", b"[" * 100_000, b"[1]", b"null", b"nonsense"])
def test_a_json_that_describes_nothing_is_named_and_the_network_stays(
    open_app: Open, worker: FakeWorker, text: bytes
) -> None:
    app = open_app()
    files = app.sidebar.file_uploader(key="model_files_0")
    files.upload("m.safetensors", b"w").upload("m.json", text, "application/json").run()
    assert not app.exception
    assert "holds no JSON object" in app.sidebar.error[0].value
    assert app.sidebar.selectbox(key="model").value == "mnist-conv4"
    assert worker.count("upload_model") == 0
    assert "A Certified" in app.main.get("html")[0].proto.body


def test_classes_of_one_name_are_told_apart(
    open_app: Open, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = dataclasses.replace(MODELS["mnist-conv4"], class_names=("a", "a", *DIGITS[2:]))
    monkeypatch.setitem(MODELS, "mnist-conv4", twins)
    app = open_app()
    app.sidebar.segmented_control(key="source").set_value("Your own").run()
    app.sidebar.file_uploader(key="file_0").upload("six.png", PNG, "image/png").run()
    label = app.sidebar.selectbox(key="label_mnist-conv4")
    assert len(set(label.options)) == 10
    label.select_index(1).run()
    assert next(f["label"] for verb, f in worker.calls[::-1] if verb == "decode") == 1


def test_deleting_forgets_runs_images_and_the_address(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sweep")
    app.button(key="start_sweep").click().run()
    assert worker.jobs
    app.sidebar.button(key="delete").click().run()
    assert not app.exception
    assert [run for run in worker.jobs.values() if run["about"]["kind"] == "sweep"] == []
    assert "run" not in app.query_params


def test_a_dead_worker_is_one_sentence(open_app: Open, worker: FakeWorker) -> None:
    worker.refuse["decode"] = "the compute process did not answer within 30 s: try again."
    app = open_app()
    assert "did not answer" in app.sidebar.error[0].value
    assert "Choose an image" in app.main.info[0].value
    assert app.main.warning[0].value.endswith("could not be taken: the sidebar says why.")


def test_an_image_that_was_not_taken_is_named_on_the_page(
    open_app: Open, worker: FakeWorker
) -> None:
    """On a phone the sidebar is closed, and the page goes on with the image before."""
    app = open_app()
    assert not app.main.warning
    worker.refuse["decode"] = "cat is damaged: its last 20 rows are missing."
    app.sidebar.selectbox(key="image").set_value("cat").run()
    (told,) = [warning.value.replace("\\", "") for warning in app.main.warning]
    assert told == (
        "cat could not be taken: the sidebar says why. This page is still about digit-3."
    )
    del worker.refuse["decode"]
    app.sidebar.selectbox(key="image").set_value("digit-3").run()
    assert not app.main.warning


def test_a_preset_alone_in_the_address_brings_its_network(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app(image="cat")
    assert app.sidebar.selectbox(key="model").value == "cifar10-conv4"
    both = open_app(image="cat", model="mnist-conv4")
    assert both.sidebar.selectbox(key="model").value == "mnist-conv4"


def test_a_network_that_is_not_here_is_named_until_another_is_chosen(open_app: Open) -> None:
    app = open_app("sweep", model="mine (yours, f307cb2c)")
    assert "f307cb2c" in app.sidebar.warning[0].value
    assert app.sidebar.selectbox(key="model").value == "mnist-conv4"
    app.sidebar.selectbox(key="model").set_value("cifar10-conv4").run()
    assert not app.sidebar.warning
    assert not open_app("sweep", model="cifar10-conv4").sidebar.warning
    assert not open_app("sweep").sidebar.warning


def test_what_stays_is_said_while_a_source_has_no_image(open_app: Open) -> None:
    app = open_app()
    app.sidebar.segmented_control(key="source").set_value("Draw").run()
    assert any("digit\\-3 stays" in c.value for c in app.sidebar.caption)


def test_numbers_that_no_field_holds_leave_the_address(open_app: Open) -> None:
    for name in ("seed", "alpha", "sweep_n"):
        app = open_app("sweep", **{name: "1e400"})
        assert not app.exception
    assert app.sidebar.number_input(key="seed").value == 0


FULL = "the run store cannot be written (No space left on device): free some space."


def refusing(worker: FakeWorker, verb: str, error: WorkerError) -> Callable[[], None]:
    """Lets the worker refuse a verb until what comes back is called."""
    real, on = worker.call, [True]

    def call(asked: str, **fields: Any) -> dict[str, Any]:
        if asked == verb and on:
            worker.calls.append((asked, fields))
            raise error
        return real(asked, **fields)

    worker.call = call  # type: ignore[method-assign]
    return on.clear


def test_start_says_that_an_upload_could_not_be_kept_and_goes_on_once_there_is_room(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("sweep")
    app.sidebar.segmented_control(key="source").set_value("Your own").run()
    make_room = refusing(worker, "decode", WorkerError(FULL, "StoreError"))
    app.sidebar.file_uploader(key="file_0").upload("six.png", PNG, "image/png").run()
    kept = plain(f"six.png could not be kept: {FULL}")
    assert kept in app.sidebar.error[0].value
    before = worker.count("start")
    app.button(key="start_sweep").click().run()
    assert kept in app.main.error[0].value
    assert worker.count("start") == before
    make_room()
    app.button(key="start_sweep").click().run()
    assert worker.count("start") == before + 1
    assert not app.main.error
    assert not app.sidebar.error
    assert not app.exception


def test_an_image_that_is_not_kept_any_more_is_handed_in_again(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("sweep")
    gone = "image not found: it was deleted, or it belongs to somebody else."
    find_again = refusing(worker, "start", WorkerError(gone, "NotFoundError"))
    real, before = worker.call, worker.count("decode")

    def call(verb: str, **fields: Any) -> dict[str, Any]:
        if verb == "decode":
            find_again()
        return real(verb, **fields)

    worker.call = call  # type: ignore[method-assign]
    app.button(key="start_sweep").click().run()
    assert worker.count("decode") == before + 1
    assert worker.jobs
    assert not app.main.error


def test_an_image_that_cannot_be_kept_again_says_why(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sweep")
    refusing(worker, "start", WorkerError("image not found.", "NotFoundError"))
    refusing(worker, "decode", WorkerError(FULL, "StoreError"))
    app.button(key="start_sweep").click().run()
    assert plain(f"the image is not kept any more: {FULL}") in app.main.error[0].value


def test_a_browser_has_a_drawn_seed_of_its_own(open_app: Open, worker: FakeWorker) -> None:
    worker.seed = 2**53 - 1
    app = open_app()
    asked = next(fields for verb, fields in worker.calls if verb == "start")
    assert asked["seed"] == 2**53 - 1
    assert app.sidebar.number_input(key="seed").value == 2**53 - 1
    app.run()
    assert worker.count("seed") == 1


def test_the_link_to_copy_names_the_seed_that_was_drawn(open_app: Open, worker: FakeWorker) -> None:
    worker.seed = 2**53 - 1
    link = open_app().sidebar.code[0].value
    assert f"seed={2**53 - 1}" in link
    worker.seed = 3  # another browser, which follows the link
    app = open_app(seed=str(2**53 - 1))
    assert next(f["seed"] for verb, f in worker.calls[::-1] if verb == "start") == 2**53 - 1
    app.sidebar.number_input(key="seed").set_value(4).run()
    assert app.sidebar.code[0].value.count("seed=") == 1
    assert "seed=4" in app.sidebar.code[0].value


def test_teaching_mode_draws_a_seed_too(open_app: Open, worker: FakeWorker) -> None:
    worker.seed = 77
    app = open_app(teach="true")
    assert next(f["seed"] for verb, f in worker.calls if verb == "start") == 77
    assert "seed=77" in app.sidebar.code[0].value


def test_deleting_everything_brings_a_new_seed(open_app: Open, worker: FakeWorker) -> None:
    worker.seed = 77
    app = open_app()
    app.sidebar.number_input(key="seed").set_value(5).run()
    app.sidebar.button(key="delete").click().run()
    assert app.sidebar.number_input(key="seed").value == 78
    assert next(f["seed"] for verb, f in worker.calls[::-1] if verb == "start") == 78
    assert "seed=78" in app.sidebar.code[0].value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "alpha",
            0.5,
            "alpha 0.5 is out of range: give a number of at least 1e-05 and at most 0.1",
        ),
        ("alpha", 0.0, "alpha 0 is out of range"),
        ("seed", -5, "seed -5 is out of range: give a number of at least 0 and at most 9,007,199,"),
    ],
)
def test_a_setting_out_of_range_says_so_and_the_last_one_stays(
    open_app: Open, worker: FakeWorker, name: str, value: float, said: str
) -> None:
    good: dict[str, float] = {"alpha": 0.01, "seed": 7}
    app = open_app(alpha="0.01", seed="7")
    app.sidebar.number_input(key=name).set_value(value).run()
    (error,) = app.sidebar.error
    assert error.value.replace("\\", "").startswith(said)
    assert error.value.replace("\\", "").endswith(f"; {good[name]:g} stays.")
    started = [fields for verb, fields in worker.calls if verb == "start"]
    assert {(f["config"]["alpha"], f["seed"]) for f in started} == {(0.01, 7)}
    app.sidebar.number_input(key=name).set_value(good[name]).run()
    assert not app.sidebar.error
