"""Old programs on today's Keras: stand-in modules, old functions, and what runs a program."""
