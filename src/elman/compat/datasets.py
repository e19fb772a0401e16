"""``tf.data.Dataset``, as much of it as old programs use, over NumPy arrays."""

import itertools
import math

import keras
import numpy as np
from keras import tree

from elman.compat.arrays import eager, padded


class _Iterator:
    """The elements one by one, as the iterators of TensorFlow 1 give them."""

    initializer = None

    def __init__(self, elements):
        self._elements = iter(elements)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._elements)

    get_next = __next__


class Dataset(keras.utils.PyDataset):
    """A sequence of elements, each an array, a tuple or a dictionary of arrays.

    A model's ``fit`` takes it where its elements are batches. It is read anew for each epoch, in
    its order.

    Arguments:
        read: function that gives an iterator over the elements.
        count: how many elements there are; infinite, or None where only reading tells.

    Example:
        >>> x, y = np.arange(5), np.arange(5) % 2
        >>> batches = Dataset.from_tensor_slices((x, y)).batch(2)
        >>> [a.tolist() for a, b in batches]
        [[0, 1], [2, 3], [4]]
    """

    keeps_order = True  # `fit` must not shuffle the batches of its own accord.

    def __init__(self, read, count=None):
        super().__init__()
        self._read, self._count, self._epoch = read, count, None

    # Sources

    @classmethod
    def from_tensor_slices(cls, tensors):
        arrays = tree.map_structure(np.asarray, _tuples(tensors))
        rows = len(tree.flatten(arrays)[0])

        def read():
            for i in range(rows):
                yield tree.map_structure(lambda a, i=i: eager(a[i]), arrays)

        return cls(read, rows)

    @classmethod
    def from_tensors(cls, tensors):
        element = tree.map_structure(lambda a: eager(np.asarray(a)), _tuples(tensors))
        return cls(lambda: iter([element]), 1)

    @classmethod
    def from_generator(cls, generator, *_, args=(), **__):
        def read():
            for element in generator(*args):
                yield tree.map_structure(lambda a: eager(np.asarray(a)), _tuples(element))

        return cls(read)

    @classmethod
    def range(cls, *args):
        return cls(lambda: (eager(np.int64(i)) for i in range(*args)), len(range(*args)))

    @classmethod
    def zip(cls, *datasets):
        datasets = datasets[0] if len(datasets) == 1 else datasets
        counts = [d._count for d in datasets]
        return cls(lambda: zip(*datasets, strict=False), None if None in counts else min(counts))

    # Orders

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True):
        """Draw each element from the next ``buffer_size`` ones."""
        rng = np.random.default_rng(np.random.randint(2**31) if seed is None else seed)
        state = rng.bit_generator.state

        def read():
            if not reshuffle_each_iteration:
                rng.bit_generator.state = state
            source, buffer = iter(self), []
            for element in source:
                buffer.append(element)
                if len(buffer) >= buffer_size:
                    yield buffer.pop(rng.integers(len(buffer)))
            while buffer:
                yield buffer.pop(rng.integers(len(buffer)))

        return Dataset(read, self._count)

    def repeat(self, count=None):
        forever = count is None or count < 0
        times = math.inf if forever else count

        def read():
            for _ in itertools.count() if forever else range(count):
                yield from self

        return Dataset(read, None if self._count is None and not forever else self._times(times))

    def _times(self, times):
        return math.inf if times == math.inf else self._count * times

    def take(self, count):
        known = None if self._count is None else min(count, self._count)
        return Dataset(lambda: itertools.islice(self, count), known)

    def skip(self, count):
        known = None if self._count is None else max(self._count - count, 0)
        return Dataset(lambda: itertools.islice(self, count, None), known)

    def concatenate(self, other):
        counts = (self._count, other._count)
        known = None if None in counts else sum(counts)
        return Dataset(lambda: itertools.chain(self, other), known)

    def cache(self, *_):
        kept: list = []

        def read():
            if not kept:
                kept.extend(self)
            return iter(kept)

        return Dataset(read, self._count)

    def prefetch(self, *_, **__):
        return self

    with_options = prefetch

    # Batches

    def batch(self, batch_size, drop_remainder=False, **_):
        batch_size = int(batch_size)

        def read():
            source = iter(self)
            while elements := list(itertools.islice(source, batch_size)):
                if len(elements) == batch_size or not drop_remainder:
                    yield _stacked(elements)

        if self._count in (None, math.inf):
            return Dataset(read, self._count)
        rounded = self._count // batch_size if drop_remainder else -(-self._count // batch_size)
        return Dataset(read, rounded)

    def padded_batch(self, batch_size, padded_shapes=None, padding_values=0, drop_remainder=False):
        """Batches whose rows are filled up at the end to the longest of them."""

        def read():
            source = iter(self)
            while elements := list(itertools.islice(source, batch_size)):
                if len(elements) == batch_size or not drop_remainder:
                    yield tree.map_structure(lambda *rows: padded(rows), *elements)

        return Dataset(read)

    def unbatch(self):
        def read():
            for element in self:
                yield from Dataset.from_tensor_slices(element)

        return Dataset(read)

    def window(self, size, shift=None, stride=1, drop_remainder=False):
        """Datasets of ``size`` elements, ``shift`` apart."""
        shift = shift or size

        def read():
            buffer: list = []
            source = iter(self)
            reach = (size - 1) * stride + 1
            while True:
                buffer += itertools.islice(source, max(reach - len(buffer), 0))
                if not buffer or (drop_remainder and len(buffer) < reach):
                    return
                elements = buffer[:reach:stride]
                parts = zip(*elements, strict=True) if isinstance(elements[0], tuple) else None
                if parts is None:
                    yield _of(elements)
                else:
                    yield tuple(_of(list(part)) for part in parts)
                missing = shift - len(buffer)
                buffer = buffer[shift:]
                for _ in itertools.islice(source, max(missing, 0)):
                    pass

        return Dataset(read)

    # Functions of elements

    def map(self, function, *_, **__):
        return Dataset(lambda: (_tuples(_called(function, e)) for e in self), self._count)

    def flat_map(self, function):
        return Dataset(lambda: itertools.chain.from_iterable(_called(function, e) for e in self))

    def interleave(self, function, *_, **__):
        return self.flat_map(function)

    def filter(self, predicate):
        return Dataset(lambda: (e for e in self if bool(_called(predicate, e))))

    def enumerate(self, start=0):
        return Dataset(lambda: enumerate(self, start), self._count)

    def apply(self, transformation):
        return transformation(self)

    def reduce(self, initial_state, reduce_func):
        state = initial_state
        for element in self:
            state = reduce_func(state, element)
        return state

    # Reading

    def __iter__(self):
        return iter(self._read())

    def as_numpy_iterator(self):
        for element in self:
            yield tree.map_structure(np.asarray, element)

    def make_one_shot_iterator(self):
        return _Iterator(self)

    make_initializable_iterator = make_one_shot_iterator

    def cardinality(self):
        return eager(np.int64(-2 if self._count is None else self._finite(-1)))

    def _finite(self, otherwise):
        return otherwise if self._count == math.inf else self._count

    @property
    def num_batches(self):
        if self._count is None:
            self._count = sum(1 for _ in self)
        return self._finite(None)

    def __len__(self):
        if self.num_batches is None:
            raise TypeError("The dataset is infinite: it was repeated; write repeat(epochs)")
        return self.num_batches

    def __getitem__(self, index):
        """The elements of an epoch in their order, one after the other."""
        if self._epoch is None or index < self._epoch[0]:
            self._epoch = [0, iter(self)]
        while self._epoch[0] <= index:
            self._epoch[0] += 1
            element = next(self._epoch[1], None)
            if element is None:
                raise IndexError(index)
        return tree.map_structure(np.asarray, element)


def _of(elements: list) -> Dataset:
    return Dataset(lambda: iter(elements), len(elements))


def _called(function, element):
    return function(*element) if isinstance(element, tuple) else function(element)


def _tuples(element):
    """Lists are arrays to TensorFlow, tuples are structure."""
    if isinstance(element, tuple):
        return tuple(_tuples(part) for part in element)
    if isinstance(element, list):
        return np.asarray(element)
    return element


def _stacked(elements):
    return tree.map_structure(lambda *rows: eager(np.stack(rows)), *elements)


def timeseries_dataset_from_array(
    data,
    targets,
    sequence_length,
    sequence_stride=1,
    sampling_rate=1,
    batch_size=128,
    shuffle=False,
    seed=None,
    start_index=None,
    end_index=None,
):
    """Windows of a time series as a `Dataset`; see `keras.utils.timeseries_dataset_from_array`."""
    data = np.asarray(data)[start_index:end_index]
    reach = (sequence_length - 1) * sampling_rate + 1
    last = len(data) - reach + 1
    if targets is not None:
        targets = np.asarray(targets)[start_index:]
        last = min(last, len(targets))
    starts = np.arange(0, last, sequence_stride)
    windows = data[starts[:, None] + np.arange(0, reach, sampling_rate)]
    rows = windows if targets is None else (windows, targets[starts])
    dataset = Dataset.from_tensor_slices(rows)
    if shuffle:
        dataset = dataset.shuffle(batch_size * 8, seed)
    return dataset if batch_size is None else dataset.batch(batch_size)
