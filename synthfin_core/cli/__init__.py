"""The command line: the calls of the library, one verb each.

    python -m synthfin_core data                                  what data there are
    python -m synthfin_core fit vae us-indices --epochs 20        train, with a progress bar; prints the run's id
    python -m synthfin_core sample RUN --n 100 --out paths.csv
    python -m synthfin_core evaluate RUN
    python -m synthfin_core runs list

Exit codes: 0 done, 2 wrong usage or input, 3 not found, 4 training failed, 130 interrupted.
"""

from synthfin_core.cli.main import main

__all__ = ["main"]
