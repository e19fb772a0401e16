def pytest_configure(config):
    # Keras's own tests carry it; each of our backends can train.
    config.addinivalue_line("markers", "requires_trainable_backend: of Keras's own tests")
