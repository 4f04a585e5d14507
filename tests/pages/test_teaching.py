from scipy.stats import beta, norm

from tests.pages.conftest import Open
from tests.pages.fake_worker import FakeWorker

SCHOOL = ":material/school:"


def test_pages_explain_themselves_only_in_teaching_mode(open_app: Open) -> None:
    assert not [i for i in open_app().main.info if i.icon == SCHOOL]
    (said,) = [i.value for i in open_app(teach="true").main.info if i.icon == SCHOOL]
    assert "Clopper-Pearson" in said
    share = int(beta.ppf(0.001, 1999, 2) * 1e5) / 1e5
    assert f"0.25 \\cdot \\Phi^{{-1}}({share})" in said


def test_the_sweep_teaches_the_ceiling(open_app: Open) -> None:
    app = open_app("sweep", teach="true")
    app.button(key="start_sweep").click().run()
    (said,) = [i.value for i in app.main.info if i.icon == SCHOOL]
    assert "10 of 10 at α = 0.001 certify 0.00297 σ" in said, "never rounded up"
    assert 0.00297 <= norm.ppf(0.001 ** (1 / 10)) < 0.00298


def test_an_abstention_is_explained_without_a_radius(open_app: Open, worker: FakeWorker) -> None:
    worker.margin = 0.001
    (said,) = [i.value for i in open_app(teach="true").main.info if i.icon == SCHOOL]
    assert "take more copies, or less noise" in said
    assert "Phi" not in said


def test_a_first_lesson_is_spared_the_advanced_settings(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sweep", teach="true")
    assert not app.sidebar.number_input
    assert [n.key for n in app.main.number_input] == ["sweep_n"]
    app.button(key="start_sweep").click().run()
    asked = [fields for verb, fields in worker.calls if verb == "start"][-1]
    assert (asked["seed"], asked["config"]["alpha"], asked["config"]["n0"]) == (0, 0.001, 100)


def test_a_setting_in_force_is_never_hidden(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sweep", alpha="0.01", seed="7", sweep_n0="50", teach="true")
    app.sidebar.selectbox(key="image").set_value("digit-9").run()
    assert app.sidebar.number_input(key="alpha").value == 0.01
    assert app.main.number_input(key="sweep_n0").value == 50
    app.button(key="start_sweep").click().run()
    asked = [fields for verb, fields in worker.calls if verb == "start"][-1]
    assert (asked["seed"], asked["config"]["alpha"], asked["config"]["n0"]) == (7, 0.01, 50)


def test_a_card_takes_its_preset_and_a_network_that_knows_it(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app()
    app.sidebar.segmented_control(key="source").set_value("Draw").run()
    app.button(key="take_cat").click().run()
    assert app.sidebar.selectbox(key="image").value == "cat"
    assert app.sidebar.selectbox(key="model").value == "cifar10-conv4"
    assert not app.exception


def test_several_runs_of_an_image_are_counted_with_their_risks(
    open_app: Open, worker: FakeWorker
) -> None:
    def card() -> str:
        return str(app.main.get("html")[0].proto.body)

    app = open_app()
    assert "looks at noise levels" not in card()
    app.sidebar.number_input(key="seed").set_value(1).run()
    app.sidebar.number_input(key="alpha").set_value(0.01).run()
    assert "one of 2 looks" in card()
    assert "\u2264 0.012" in card()
    app.select_slider(key="sigma").set_value(0.5).run()
    assert "one of 3 looks" in card()
    app.sidebar.number_input(key="alpha").set_value(0.001).run()
    app.sidebar.number_input(key="seed").set_value(0).run()
    app.select_slider(key="sigma").set_value(0.25).run()
    assert "\u2264 0.02" in card()
