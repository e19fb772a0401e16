# Old programs are read, not collected.
collect_ignore = ["programs", "keras2.py"]
