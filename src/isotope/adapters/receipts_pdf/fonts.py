"""FiraGO, in which receipts are set: Latin, Greek, Cyrillic, Georgian, Hebrew, Arabic, Devanagari and Thai.

It comes as a package (SIL Open Font License) that holds the fonts as data, while the PDF writer reads files.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pymupdf_fonts


@cache
def font_files() -> tuple[Path, Path]:
    """Regular and bold, as files that live as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="isotope-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    regular, bold = folder / "regular.ttf", folder / "bold.ttf"
    regular.write_bytes(pymupdf_fonts.myfont("figo"))
    bold.write_bytes(pymupdf_fonts.myfont("figbo"))
    return regular, bold
