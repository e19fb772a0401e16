"""Sessions, graphs and devices of TensorFlow 1: objects that take every call and do nothing."""

import contextlib


class Idle:
    """Any attribute of it can be read, set and called; nothing happens."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = Idle()
        object.__setattr__(self, name, value)
        return value

    def __call__(self, *args, **kwargs):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __bool__(self):
        return False

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0


class Session(Idle):
    """``tf.Session``: entered, closed and told to initialise variables; it cannot compute."""

    @property
    def graph(self):
        return Idle()

    def run(self, fetches=None, feed_dict=None):
        if fetches is None or (isinstance(fetches, Idle | list) and not feed_dict and not fetches):
            return None
        raise NotImplementedError(
            "Session.run computes nothing without TensorFlow's graphs; do: call the model, or "
            "K.function(inputs, outputs), or install TensorFlow 1"
        )


@contextlib.contextmanager
def nothing(*args, **kwargs):
    """A ``with`` statement around code that needs none."""
    yield


class Strategy(Idle):
    """``tf.distribute.MirroredStrategy``: one device."""

    num_replicas_in_sync = 1
