"""Random calls of the public functions of `kinetic`; run by ``tools/fuzz.py``."""
