import shutil
from pathlib import Path

import interpreter


def test_of_the_standard_library_goes_what_leger_never_imports_and_nothing_else(
    tmp_path: Path,
) -> None:
    for name in ("test/regrtest.py", "tkinter/__init__.py", "json/__init__.py", "ssl.py",
                 "json/__pycache__/x.pyc", "lib-dynload/_testcapi.cpython-313-x.so",
                 "lib-dynload/_sqlite3.cpython-313-x.so", "lib-dynload/_ssl.cpython-313-x.so",
                 "unittest/case.py", "turtle.py"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    interpreter.prune(tmp_path)
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == {
        "json/__init__.py",
        "ssl.py",
        "lib-dynload/_ssl.cpython-313-x.so",
    }


def test_elf_files_are_executable_and_modules_are_not(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("#!/usr/bin/env python\n")
    (tmp_path / "tool.py").chmod(0o755)
    shutil.copyfile("/bin/sh", tmp_path / "library.so")
    (tmp_path / "library.so").chmod(0o600)
    interpreter.set_modes(tmp_path)
    assert (tmp_path / "tool.py").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "library.so").stat().st_mode & 0o777 == 0o755
