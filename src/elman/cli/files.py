"""`elman info`, `elman convert`: old model files."""
