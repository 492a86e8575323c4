"""What can happen to a store: a full disk, no permission, locks, files cut off or deleted.

Whatever it is: one line that says so, or every committed answer. Never a traceback, and never
an empty store in place of a damaged one, which would ask and pay for everything again.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from tracer_nb.errors import StoreError
from tracer_nb.records import Answer
from tracer_nb.store.labels import LabelStore

WHO = {"model": "m", "labels": ["a", "b"]}
# Some are longer than a page: their ends are stored apart.
TEXTS = [f"text {i} " + "x" * (6000 if i % 40 == 7 else 40) for i in range(200)]
SAID = {text: Answer("ab"[i % 2], prompt_tokens=i, cost=0.25) for i, text in enumerate(TEXTS)}
SIDES = ("", "-wal", "-shm")


def put_all(store, texts=TEXTS):
    for start in range(0, len(texts), 10):
        store.put_many(WHO, [(t, SAID[t]) for t in texts[start : start + 10]])


@pytest.fixture
def closed(tmp_path):
    """The file of a store that was closed."""
    path = tmp_path / "closed" / "labels.sqlite"
    with LabelStore(path) as store:
        put_all(store)
    assert [p.name for p in path.parent.glob("labels*")] == ["labels.sqlite"]
    return path


@pytest.fixture
def killed(tmp_path):
    """The files of a store whose kernel was killed: half of the answers are in its log."""
    path = tmp_path / "killed" / "labels.sqlite"
    path.parent.mkdir()
    with LabelStore(tmp_path / "labels.sqlite") as store:
        put_all(store, TEXTS[:100])
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        put_all(store, TEXTS[100:])
        for side in SIDES:
            shutil.copy(f"{store.path}{side}", f"{path}{side}")
    return path


def put_away(path, name):
    """A copy of a store's files, to damage."""
    folder = path.parent.with_name(name)
    shutil.copytree(path.parent, folder)
    return folder / path.name


def found_or_refused(path):
    """Every answer, or the one line that refuses the store; nothing in between."""
    try:
        with LabelStore(path) as store:
            found = store.get_many(WHO, TEXTS)
    except StoreError as error:
        said = str(error)
        assert "\n" not in said
        assert path.name in said
        return said
    assert found == SAID
    return ""


def lengths(size, n=40):
    """Lengths to cut a file to: the beginning of it closely, the rest widely."""
    near = [0, 1, 15, 16, 99, 100, 511, 512, 1000, 4095, 4096, 4097]
    return sorted({*(x for x in near if x < size), *range(0, size, max(size // n, 1)), size - 1})


# --- files that were cut off or deleted


def test_a_store_that_was_cut_off_says_so(closed):
    whole = closed.read_bytes()
    for length in [*lengths(len(whole)), len(whole) - 512, len(whole) - 2048]:
        closed.write_bytes(whole[:length])
        assert found_or_refused(closed), length
        assert closed.read_bytes() == whole[:length]  # nothing is made worse
    closed.write_bytes(whole)
    assert found_or_refused(closed) == ""


def test_a_store_that_was_emptied_is_not_taken_for_a_new_one(closed):
    closed.write_bytes(b"")
    assert "is empty: it was cut off; put a copy of it back" in found_or_refused(closed)


def test_a_killed_kernel_leaves_every_answer(killed):
    assert found_or_refused(killed) == ""


def test_a_killed_kernel_s_store_that_was_cut_off_says_so_or_has_every_answer(killed):
    size = killed.stat().st_size
    for i, length in enumerate(lengths(size)):
        path = put_away(killed, f"cut{i}")
        os.truncate(path, length)
        found_or_refused(path)


def test_a_log_that_was_cut_off_says_so(killed, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)  # nobody closes this store meanwhile
    log = Path(f"{killed}-wal")
    for i, length in enumerate(lengths(log.stat().st_size)):
        path = put_away(killed, f"cut{i}")
        os.truncate(f"{path}-wal", length)
        said = found_or_refused(path)
        assert "labels.sqlite-wal" in said
        assert "was cut off or deleted" in said
        assert Path(f"{path}-wal").stat().st_size == length


def test_a_log_that_was_deleted_says_so_and_what_is_left_can_be_used(killed):
    Path(f"{killed}-wal").unlink()
    said = found_or_refused(killed)
    assert "was cut off or deleted" in said
    assert "delete labels.sqlite-shm to go on with those that are left" in said
    Path(f"{killed}-shm").unlink()
    with LabelStore(killed) as store:
        assert store.get_many(WHO, TEXTS) == {text: SAID[text] for text in TEXTS[:100]}


def test_a_log_without_its_store_is_not_thrown_away(killed):
    killed.unlink()
    assert "is gone, but its log labels.sqlite-wal is there" in found_or_refused(killed)
    killed.write_bytes(b"")
    assert "is empty: it was cut off" in found_or_refused(killed)
    assert Path(f"{killed}-wal").stat().st_size > 0


def test_the_end_of_a_long_log_may_be_old(tmp_path):
    """A log is written from its beginning again: what lies behind counts for nothing."""
    path = tmp_path / "labels.sqlite"
    store = LabelStore(path)
    put_all(store, TEXTS[:100])
    store._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    put_all(store, TEXTS[100:])
    store._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    store.put(WHO, "one more", Answer("a"))
    with LabelStore(path) as other:
        assert len(other.get_many(WHO, [*TEXTS, "one more"])) == 201
    store.close()
    assert found_or_refused(path) == ""


def test_a_text_that_was_garbled_is_told_from_an_answer(closed):
    db = sqlite3.connect(closed)
    db.execute("UPDATE answers SET probabilities = '{\"a\": 0.' WHERE prompt_tokens = 3")
    db.commit()
    db.close()
    assert "it is damaged" in found_or_refused(closed)


def test_a_store_is_made_whole_or_not_at_all(tmp_path, monkeypatch):
    def fail(_db):
        raise sqlite3.OperationalError("database or disk is full")

    path = tmp_path / "labels.sqlite"
    with monkeypatch.context() as patched:
        patched.setattr("tracer_nb.store.file._create", fail)
        with pytest.raises(StoreError, match="free some space"):
            LabelStore(path)
    assert list(tmp_path.iterdir()) == []
    LabelStore(path).close()
    assert [p.name for p in tmp_path.iterdir()] == ["labels.sqlite"]


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store:
        put_all(store)
    assert found_or_refused(path) == ""
    assert [p.name for p in tmp_path.iterdir()] == ["labels.sqlite"]


# --- disks and permissions


@contextmanager
def small_files(size):
    """No file of this process grows beyond ``size`` bytes, as on a disk without space."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_keeps_what_was_committed(tmp_path):
    path = tmp_path / "labels.sqlite"
    kept = 0
    with LabelStore(path) as store:
        said = ""
        with small_files(200_000):
            try:
                for kept in range(0, 200, 10):
                    store.put_many(WHO, [(t, SAID[t]) for t in TEXTS[kept : kept + 10]])
            except StoreError as error:
                said = str(error)
        assert "its disk may be full or failing; what was stored is safe" in said
        assert 0 < kept < 190
        assert store.get_many(WHO, TEXTS) == {t: SAID[t] for t in TEXTS[:kept]}
        put_all(store, TEXTS[kept:])  # there is space again
    assert found_or_refused(path) == ""


def test_a_disk_without_space_for_a_new_store(tmp_path):
    with small_files(5000), pytest.raises(StoreError) as caught:
        LabelStore(tmp_path / "labels.sqlite")
    assert "cannot open the label store" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_database_keeps_what_was_committed(tmp_path):
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store:
        put_all(store, TEXTS[:50])
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 3}")
        with pytest.raises(StoreError, match="free some space on its disk; what was stored is"):
            put_all(store, TEXTS[50:])
        assert len(store.get_many(WHO, TEXTS)) >= 50
    with LabelStore(path) as store:
        put_all(store)
    assert found_or_refused(path) == ""


@pytest.fixture
def folder():
    """A folder that every user of this machine may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def nobody():
    """Without the rights of root, who may write everywhere."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs POSIX users")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_folder(folder):
    path = folder / "labels.sqlite"
    folder.chmod(0o555)
    with nobody():
        assert "check the folder and its permissions" in found_or_refused(path)
    assert list(folder.iterdir()) == []


def test_a_store_in_a_read_only_folder(folder):
    path = folder / "labels.sqlite"
    with LabelStore(path) as store:
        put_all(store)
    path.chmod(0o444)
    folder.chmod(0o555)
    with nobody():
        assert "check the folder and its permissions" in found_or_refused(path)
    folder.chmod(0o755)
    path.chmod(0o644)
    assert found_or_refused(path) == ""


def test_a_store_that_may_not_be_read(folder):
    path = folder / "labels.sqlite"
    LabelStore(path).close()
    path.chmod(0)
    with nobody():
        assert "check the folder and its permissions" in found_or_refused(path)


# --- locks

WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
db.execute("ROLLBACK")
"""


@contextmanager
def another_writer(path):
    """Another process that holds the store's write lock; gives what makes it let go."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "locked\n"
        yield lambda: (process.stdin.write("go\n"), process.stdin.flush())
    finally:
        process.kill()
        process.communicate()


def test_a_store_that_another_process_holds_for_too_long(closed):
    with LabelStore(closed, timeout=0.1) as store, another_writer(closed):
        # Reading needs no lock, so nothing that is stored is asked meanwhile.
        assert store.get_many(WHO, TEXTS) == SAID
        with pytest.raises(StoreError, match="wait, or stop that process"):
            store.put(WHO, "new", Answer("a"))
        with LabelStore(closed) as other:
            assert other.get_many(WHO, TEXTS) == SAID
    with LabelStore(closed) as store:
        assert store.put(WHO, "new", Answer("a"))


def test_a_store_that_another_process_holds_for_a_while(closed):
    stored = []
    with LabelStore(closed, timeout=60) as store, another_writer(closed) as let_go:
        thread = threading.Thread(target=lambda: stored.append(store.put(WHO, "new", Answer("a"))))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert store.get_many(WHO, TEXTS) == SAID  # who reads does not wait for it
        let_go()
        thread.join(60)
    assert stored == [True]
