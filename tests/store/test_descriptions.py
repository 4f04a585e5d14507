from pathlib import Path

from rs_core.store import read_description, sources_digest, write_description


def test_a_description_is_read_back_and_older_ones_go(tmp_path: Path) -> None:
    assert read_description(tmp_path) is None
    write_description({"forms": {}}, tmp_path)
    old = tmp_path / "cache" / "describe-0123.json"
    old.write_text("{}")
    write_description({"forms": {"sweep": []}}, tmp_path)
    assert read_description(tmp_path) == {"forms": {"sweep": []}}
    assert not old.exists()


def test_a_damaged_description_is_none(tmp_path: Path) -> None:
    write_description({"forms": {}}, tmp_path)
    (path,) = (tmp_path / "cache").glob(f"describe-{sources_digest()}-*.json")
    for content in (b"{", b"[]", b"\xff"):
        path.write_bytes(content)
        assert read_description(tmp_path) is None
