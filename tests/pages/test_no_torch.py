import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VISIT = """
import sys
from streamlit.testing.v1 import AppTest
from rs_ui.runs import cache
from rs_ui.shell import share
from tests.pages.fake_attack import AttackWorker

fake = AttackWorker()
fake._price = lambda **asked: {"passes": 1000, "levels": 0}  # the engine's own would import torch
cache.Worker = lambda: fake
share.exchange_owner = lambda: "a" * 64
app = AppTest.from_file("app.py", default_timeout=60).run()
assert "pandas" in sys.modules, "a table would import it while other threads draw charts"
app.switch_page("pages/sweep.py").run()
app.button(key="start_sweep").click().run()
assert not app.exception and len(app.get("plotly_chart")) == 3
app.switch_page("pages/sandwich.py").run()
app.button(key="start_sandwich").click().run()
assert not app.exception and len(app.get("plotly_chart")) == 1
app.switch_page("pages/attack.py").run()
app.button(key="start_attack").click().run()
assert not app.exception and len(app.get("plotly_chart")) == 2
app.switch_page("pages/train.py").run()
app.button(key="start_train").click().run()
assert not app.exception and len(app.get("plotly_chart")) == 4
sys.exit("torch" in sys.modules)
"""


def test_the_web_process_never_imports_torch() -> None:
    finished = subprocess.run([sys.executable, "-c", VISIT], cwd=ROOT, capture_output=True)
    assert finished.returncode == 0, finished.stderr.decode()[-2000:]
