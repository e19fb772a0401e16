"""`elman run`, `elman migrate`: old programs."""
