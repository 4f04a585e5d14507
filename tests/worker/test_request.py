from rs_core.smoothing import Certify
from rs_core.worker.request import as_named_now
from rs_core.worker.tasks.base import build_task, config_of


def test_settings_of_an_older_version_keep_their_noise() -> None:
    old = {"sigma": 0.5, "n": 1000, "rigorous": False}
    assert build_task("certify", as_named_now(old)) == Certify(sigma=0.5, n=1000, noise="idealised")
    assert as_named_now({"rigorous": True}) == {"noise": "exact"}
    inside = {"attack": "pgd", "confirm": {"rigorous": False, "n": 500}}
    assert as_named_now(inside) == {"attack": "pgd", "confirm": {"noise": "idealised", "n": 500}}
    assert inside["confirm"]["rigorous"] is False


def test_settings_of_today_stay_as_they_are() -> None:
    config = config_of(Certify(sigma=0.5))
    assert as_named_now(config) == config
