"""A folder with the finished chunks of one run.

Every file is written beside its place and moved there, so that it is whole or absent; one that
the disk lost or changed all the same has another digest than its first line says. The file
``problem.json`` says which problem the chunks belong to, and each chunk carries its digest.
"""

import errno
import hashlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

MANIFEST, LOCK, SUFFIX = "problem.json", "lock", ".chunk"
FORMAT = "kinetic-ensemble-1"


class Checkpoint:
    """The chunks of a problem in a folder, which is locked until `close`.

    Parameters
    ----------
    folder : str or path
    identity : dict
        Names and values of all that the result depends on, as JSON keeps them.

    Raises
    ------
    ValueError
        If the folder holds something else, another problem or an unreadable ``problem.json``.
    RuntimeError
        If another run has it locked.
    OSError
        If the folder cannot be written.
    """

    def __init__(self, folder, identity):
        self.folder = Path(folder)
        text = json.dumps({"format": FORMAT, **identity}, indent=1, sort_keys=True)
        self._digest = hashlib.sha256(text.encode()).hexdigest()
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = self.folder / MANIFEST
        if not manifest.exists():
            self._refuse_other_files()
        self._lock = (self.folder / LOCK).open("a+b")
        try:
            _lock(self._lock, self.folder)
            if manifest.exists():
                _compare(manifest, json.loads(text))
            else:
                self._write(manifest, text.encode())
            for left in self.folder.glob("*.tmp"):
                left.unlink()
        except BaseException:
            self._lock.close()
            raise

    def _refuse_other_files(self):
        others = sorted(path.name for path in self.folder.iterdir() if path.name != LOCK)
        others = [name for name in others if not name.endswith(".tmp")]
        if others:
            raise ValueError(
                f"checkpoint must be a new or empty folder, or one of a former run; {self.folder} "
                f"has no {MANIFEST}, but {', '.join(map(repr, others[:3]))}"
            )

    def close(self):
        """Let other runs use the folder."""
        self._lock.close()

    def load(self, count):
        """Nodes of all chunks, each with ``count`` states, and the names of damaged files.

        Those are renamed, so that they are named once and can be looked at.
        """
        nodes, damaged = {}, []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            try:
                nodes.update(self._read(path, count))
            except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
                damaged.append(path.name)
                path.replace(path.with_suffix(".damaged"))
        return nodes, damaged

    def _read(self, path, count):
        head, _, payload = path.read_bytes().partition(b"\n")
        if head.decode() != self._head(payload):
            raise ValueError(f"{path} is damaged or belongs to another problem")
        with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
            return {
                (level, j): [arrays[f"{level}-{j}-{k}"] for k in range(count)]
                for level, j in arrays["nodes"].tolist()
            }

    def store(self, task, nodes):
        """Write the nodes of one chunk."""
        arrays = {
            f"{level}-{j}-{k}": state
            for (level, j), states in nodes.items()
            for k, state in enumerate(states)
        }
        payload = io.BytesIO()
        np.savez(payload, nodes=np.array(list(nodes), np.int64), **arrays)
        payload = payload.getvalue()
        name = f"{task[0]:012}-{task[1]:012}{SUFFIX}"
        self._write(self.folder / name, self._head(payload).encode() + b"\n" + payload)

    def _head(self, payload):
        return f"{FORMAT} {self._digest} {hashlib.sha256(payload).hexdigest()}"

    def _write(self, path, content):
        try:
            handle, name = tempfile.mkstemp(suffix=".tmp", dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.replace(name, path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise OSError(
                error.errno,
                f"the checkpoint cannot be written ({error.strerror}); chunks written before are "
                "kept, and a run with the same checkpoint continues from them",
                str(path),
            ) from error


def _compare(manifest, expected):
    try:
        found = json.loads(manifest.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except ValueError as error:
        raise ValueError(
            f"checkpoint {manifest} is damaged ({error}): delete the folder or choose another"
        ) from None
    differing = [
        f"{key} ({found.get(key, 'absent')!s:.16} there, {expected.get(key, 'absent')!s:.16} here)"
        for key in sorted({*found, *expected})
        if found.get(key) != expected.get(key)
    ]
    if differing:
        raise ValueError(
            f"checkpoint {manifest.parent} belongs to another problem: it differs in "
            f"{', '.join(differing)}; delete the folder or choose another"
        )


def _lock(file, folder):
    """Lock a file until it is closed, at the latest when the process ends."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise RuntimeError(f"checkpoint {folder} is in use by another run") from None
        # A file system without locks: two runs then do the same work twice, no harm else.
