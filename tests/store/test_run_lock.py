import subprocess
import sys
from pathlib import Path

from rs_core.store import Claim

HOLD = """
import sys, time
from pathlib import Path
from rs_core.store import Claim
claim = Claim.take(Path(sys.argv[1]))
claim.mark(in_turn=sys.argv[2] == "busy")
print("held", flush=True)
time.sleep(60)
"""


def test_only_one_holder_at_a_time(tmp_path: Path) -> None:
    first = Claim.take(tmp_path)
    assert first is not None
    assert Claim.take(tmp_path) is None
    first.mark(in_turn=True)
    first.mark(in_turn=False)
    first.release()
    first.release()
    first.mark(in_turn=True)
    second = Claim.take(tmp_path)
    assert second is not None
    assert not second.died_in_turn
    second.release()


def test_a_dead_holder_leaves_the_claim_and_what_it_was_doing(tmp_path: Path) -> None:
    for what in ("busy", "idle"):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), what], stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            assert Claim.take(tmp_path) is None
            holder.kill()
        claim = Claim.take(tmp_path)
        assert claim is not None
        assert claim.died_in_turn is (what == "busy")
        claim.release()
