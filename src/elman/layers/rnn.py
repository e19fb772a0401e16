"""`RNN`: any cell, carried through time."""

import contextlib
import functools
import inspect
from collections.abc import Iterator
from contextvars import ContextVar

import keras
import numpy as np
from keras import ops, tree

from elman._keras_private import in_symbolic_scope
from elman.engine import Refusal
from elman.layers import checks, exporting, loop, native
from elman.layers.arguments import old_arguments
from elman.layers.calling import RecurrentCall
from elman.layers.recomputing import RecomputedInside
from elman.layers.stacked_rnn_cells import StackedRNNCells

_saves_states: ContextVar[bool] = ContextVar("_saves_states", default=False)


@contextlib.contextmanager
def states_saved() -> Iterator[None]:
    """Within it the layers that Keras saves write the states that they carry, too."""
    token = _saves_states.set(True)
    try:
        yield
    finally:
        _saves_states.reset(token)


@keras.saving.register_keras_serializable("elman")
@old_arguments
class RNN(RecomputedInside, RecurrentCall, keras.layers.RNN):
    """Carries a cell's state through time: the layer that all recurrent layers are.

    y_t, s_t = cell(x_t, s_{t-1}),  t = 1 ... T

    A masked step repeats y_{t-1} (zeros before the first step that counts) and leaves s_{t-1} as it
    is; its input is never read. With ``T = 0`` the last output is zeros and the states come back as
    they went in.

    Arguments:
        cell: a layer (or any object) with ``call(x_t, states) -> (y_t, new_states)`` and
            ``state_size``, an integer or a list of integers; ``output_size`` where it is not the
            first of these. A list of cells is stacked (`StackedRNNCells`).
        return_sequences: return y_1 ... y_T instead of y_T.
        return_state: return the final states after the output.
        go_backwards: run from step T to step 1; sequences come in the order of running.
        stateful: start each batch with the states that the batch before it ended with, row by row,
            in ``fit``, ``predict``, ``evaluate`` and their ``..._on_batch``, on every backend.
        unroll: write the steps out instead of a loop of the framework; T must be known.
        zero_output_for_mask: masked steps give zeros instead of the output before them.
        time_major: input, mask and sequences are (timesteps, batch, ...).
        engine: ``"auto"`` takes the native computation where there is one, ``"native"`` raises
            where there is none, ``"keras"`` never takes it; see `elman.explain`.
        batch_input_shape, input_shape, input_length, input_dim, batch_size: shape of the input, for
            the first layer of a model, in any of the old ways.
        weights: list of initial weights.

    Call arguments:
        sequences: array of shape (batch, timesteps, features), floating point; on TensorFlow also a
            RaggedTensor, which gives a ragged sequence.
        initial_state: list of arrays of shape (batch, state size); zeros where it is not given. May
            also stand in a list after the sequences: ``layer([x, h, c])``.
        mask: boolean array of shape (batch, timesteps), any pattern.
        training: whether dropout is on.
        constants: list of arrays that the cell gets at each step as ``constants``.

    Returns:
        Array of shape (batch, timesteps, output size) or (batch, output size), and the states.

    Raises:
        ValueError: an input, mask, state or batch of the wrong shape; a state size that is none.

    Example:
        >>> import numpy as np
        >>> from elman.layers import RNN, SimpleRNNCell
        >>> y = RNN(SimpleRNNCell(3), return_sequences=True)(np.ones((8, 2, 10), "float32"))
        >>> tuple(y.shape)
        (8, 2, 3)

    Source: Elman, "Finding Structure in Time", Cognitive Science 14 (1990), 179-211.
    """

    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        time_major=False,
        engine="auto",
        **kwargs,
    ):
        self._keep_states(None)
        super().__init__(
            StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            **kwargs,
        )
        checks.one_of(type(self).__name__, "engine", engine, native.ENGINES)
        self.time_major = time_major
        self.engine = engine
        self.supports_masking = True  # Keras 3.16 makes it False
        if self._is_recomputed:  # the loop as a whole, and not each step of it once more
            for part in (self.cell, *getattr(self.cell, "cells", ())):
                part._remat_mode = None
        self._load_kernels()

    def _load_kernels(self) -> None:
        """Ask for the computation now: code that torch compiles is to find the kernels loaded."""
        is_native = not isinstance(self._native(training=False), Refusal)
        if is_native and keras.backend.backend() == "tensorflow":
            # XLA cannot call out of TensorFlow's graph; engine="keras" is the way to jit_compile.
            self.supports_jit = False

    # Building

    def build(self, sequences_shape, initial_state_shape=None, constants_shape=None):
        batch = sequences_shape[1 if self.time_major else 0]
        step_shape = (batch, *sequences_shape[2:])
        self._cell_arguments(False, constants_shape)
        if isinstance(self.cell, keras.layers.Layer) and not self.cell.built:
            try:
                self.cell.build([step_shape, *constants_shape] if constants_shape else step_shape)
            except ValueError:
                self.cell.built = False  # Keras's cells say so before they have weights
                raise
        if self.stateful and self.states is None:
            self._create_states(batch)

    def _create_states(self, batch) -> None:
        if batch is None and self.batch_input_shape is not None:
            batch = self.batch_input_shape[1 if self.time_major else 0]
        if batch is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}' is stateful, so it must know its batch size, "
                "got a batch of unknown size; give the first layer of the model "
                "batch_input_shape=(batch, timesteps, features), or begin with "
                "Input(batch_shape=...)."
            )

        def state(i, shape):
            # An initializer, so that a model built within a scope of Keras gets its value later.
            return keras.Variable(
                lambda shape, dtype: ops.cast(
                    tree.flatten(self.get_initial_state(batch))[i], dtype
                ),
                shape=shape,
                dtype=self.variable_dtype,
                trainable=False,
                autocast=False,  # torch would assign to the copy that autocasting gives
                name="rnn_state",
            )

        shapes = [tuple(s.shape) for s in tree.flatten(self.get_initial_state(batch))]
        flat = [state(i, shape) for i, shape in enumerate(shapes)]
        self._keep_states(loop.packed(self._state_structure, flat))

    # States carried from batch to batch

    @property
    def states(self):
        """Variables that a stateful layer carries, a list as `cell.state_size`; None otherwise."""
        return self._states

    @states.setter
    def states(self, value):
        self._keep_states(value)

    def _keep_states(self, value) -> None:
        # Past Keras's tracking: carried states are no weights, they are not saved or counted.
        object.__setattr__(self, "_states", value)

    @property
    def variables(self):
        """Weights, seeds and carried states: with the last, trainers of JAX carry them as well."""
        carried = tree.flatten(self.states) if self.states is not None else []
        return [*super().variables, *carried]

    def reset_states(self, states=None, rows=None):
        """Set the carried states, of all rows or of some.

        Arguments:
            states: list of arrays of shape (batch, state size), or (number of rows, state size)
                with ``rows``; None for the initial state.
            rows: indices of the rows to set, a slice, or a boolean array of shape (batch,); None
                for all.

        Raises:
            ValueError: the layer is not stateful, or a shape is wrong.
        """
        if not self.stateful:
            raise ValueError(
                f"{type(self).__name__} '{self.name}' must be stateful to reset its states, "
                "got stateful=False; make it with stateful=True."
            )
        if self.states is None:
            if states is None:
                return
            self._create_states(None)
        variables = tree.flatten(self.states)
        batch = variables[0].shape[0]
        rows = slice(None) if rows is None else rows
        rows = np.arange(batch)[rows if isinstance(rows, slice) else np.asarray(rows)]
        if states is None:
            states = tree.map_structure(lambda s: s[: len(rows)], self.get_initial_state(batch))
        states = tree.map_structure(ops.convert_to_numpy, states)
        checks.states(self, states, "states", self._state_shapes(len(rows)))
        for variable, state in zip(variables, tree.flatten(states), strict=True):
            value = np.array(ops.convert_to_numpy(variable))
            value[rows] = state
            variable.assign(value)

    def save_own_variables(self, store):
        """What Keras writes of the layer itself; within `states_saved` also the carried states."""
        super().save_own_variables(store)
        if _saves_states.get() and self.states is not None:
            for i, state in enumerate(tree.flatten(self.states)):
                store[f"state_{i}"] = ops.convert_to_numpy(state.value)

    def load_own_variables(self, store):
        kept = [key for key in store.keys() if key.startswith("state_")]  # noqa: SIM118 - no dict
        super().load_own_variables({key: store[key] for key in store.keys() if key not in kept})  # noqa: SIM118
        if kept and self.stateful:
            states = [store[f"state_{i}"] for i in range(len(kept))]
            self.reset_states(loop.packed(self._state_structure, states))

    def get_initial_state(self, batch_size=None, inputs=None, dtype=None):
        """The state before the first step: the cell's own, or zeros.

        Arguments:
            batch_size: number of rows.
            inputs: instead of it, an array of shape (batch, timesteps, ...), as Keras 2 had it
                (also as the first argument).
            dtype: dtype of the states; the cell's compute dtype where it is not given.

        Returns:
            List of arrays of shape (batch, state size).
        """
        if len(getattr(batch_size, "shape", ())):
            batch_size, inputs = None, batch_size
        if batch_size is None:
            if inputs is None:
                raise ValueError(
                    f"{type(self).__name__}.get_initial_state must be given batch_size or inputs, "
                    "got neither; write get_initial_state(batch_size=8)."
                )
            batch_size = ops.shape(inputs)[1 if self.time_major else 0]
        states = super().get_initial_state(batch_size)
        dtype = dtype or getattr(self.cell, "compute_dtype", self.compute_dtype)
        return loop.cast(states, dtype)

    # Calling

    def _check(self, shape, initial_state, mask) -> None:
        super()._check(shape, initial_state, mask)
        if self.unroll:
            checks.known_timesteps(self, shape)

    @property
    def _state_structure(self) -> list:
        return self.state_size

    def _state_shapes(self, batch) -> list[tuple]:
        return [(batch, size) for size in tree.flatten(self.state_size)]

    def _number_of_sequences(self) -> int:
        return int(self.return_sequences)

    def _sequences_are_reversed(self) -> bool:
        return self.go_backwards

    def _features(self) -> int | None:
        kernel = getattr(self.cell, "kernel", None) if self.built else None
        shape = getattr(kernel, "shape", ())
        return shape[0] if len(shape) == 2 else None

    def call(self, sequences, initial_state=None, mask=None, training=False, constants=None):
        sequences = ops.convert_to_tensor(sequences)  # torch: on the device that Keras computes on
        given = *self._settled(sequences, initial_state, mask, training), constants
        compute = functools.partial(self._compute, training)
        return self._finished(*self._recomputed(compute, [self], sequences, given))

    def _settled(self, sequences, initial_state, mask, training) -> tuple:
        """Batch-major ``(sequences, first states, mask or None)``, the dropout masks drawn."""
        if mask is not None:
            mask = tree.flatten(mask)[0]
            if len(mask.shape) == 3 and mask.shape[-1] == 1:
                mask = ops.squeeze(mask, -1)
            mask = ops.convert_to_tensor(mask, dtype="bool")
        if self.time_major:
            sequences = loop.time_axis_swapped(sequences)
            mask = None if mask is None else ops.transpose(mask)
        states = self._first_states(sequences, initial_state)
        self._draw_dropout_masks(sequences, states, training)
        return sequences, states, mask

    def _wanted(self, last_output, outputs, states) -> tuple:
        """``(output, final states)``: of the outputs those that are returned."""
        return outputs if self.return_sequences else last_output, states

    def _finished(self, output, states):
        """What the layer returns; carries the final states of a stateful layer."""
        self._maybe_reset_dropout_masks(self.cell)
        if self.stateful:
            for variable, state in zip(
                tree.flatten(self.states), tree.flatten(states), strict=True
            ):
                variable.assign(ops.cast(state, variable.dtype))
        if self.return_sequences and self.time_major:
            output = loop.time_axis_swapped(output)
        output = loop.cast(output, self.compute_dtype)
        return (output, *loop.cast(states, self.compute_dtype)) if self.return_state else output

    def _compute(self, training, sequences, states, mask, constants) -> tuple:
        """``(output, final states)`` by the engine that applies."""
        if exporting.is_free_in_time(self):
            name = native.cell_name(self.cell)
            return self._wanted(*exporting.run(self, name, sequences, states, mask))
        found = self._native(sequences, training)
        if not isinstance(found, Refusal):
            calls = [(sequences, states, mask)]
            return self._wanted(*native.run(found, [self], calls, training)[0])
        if self.engine == "native" and not in_symbolic_scope():  # where nothing is computed
            raise ValueError(
                f"{type(self).__name__} '{self.name}' was made with engine='native', and there is "
                f"no native computation for it: {found.reason}; use engine='auto'."
            )
        constants = {"constants": constants} if constants else {}
        return self._wanted(*self.inner_loop(sequences, states, mask, training, **constants))

    def _native(self, sequences=None, training=True):
        """The native computation, or the refusal that says why there is none; see `native.find`."""
        return native.find([self], sequences, training)

    def _first_states(self, sequences, initial_state):
        """The states before the first step: given, carried or the cell's, in its compute dtype."""
        if initial_state is not None:
            given = map(ops.convert_to_tensor, tree.flatten(initial_state))
            initial_state = loop.packed(self._state_structure, given)
        elif self.stateful:
            checks.batch_size_in_graph(self, sequences, tree.flatten(self.states)[0].shape[0])
            # A copy: torch would see the later assignment as a change of what it has recorded.
            initial_state = tree.map_structure(lambda v: ops.copy(v.value), self.states)
        else:
            initial_state = self.get_initial_state(ops.shape(sequences)[0])
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return list(loop.cast(initial_state, dtype))

    def inner_loop(self, sequences, initial_state, mask, training=False, constants=None):
        """The loop itself: ``(last output, outputs or None, final states)``."""
        kwargs = self._cell_arguments(training, constants)
        call = self.cell if callable(self.cell) else self.cell.call

        def step(x, states):
            output, new_states = call(x, states, **kwargs)
            return output, new_states

        return loop.scan(
            step,
            sequences,
            initial_state,
            mask,
            layer=self,
            output_size=getattr(self.cell, "output_size", None),
            go_backwards=self.go_backwards,
            unroll=self.unroll,
            zero_output_for_mask=self.zero_output_for_mask,
            return_sequences=self.return_sequences,
        )

    inner_loop.of_elman = True

    def _cell_arguments(self, training, constants) -> dict:
        """What the cell gets at each step beside its input and its states."""
        parameters = inspect.signature(self.cell.call).parameters
        kwargs = {"training": training} if "training" in parameters else {}
        if not constants:
            return kwargs
        if not any(p.name == "constants" or p.kind is p.VAR_KEYWORD for p in parameters.values()):
            raise ValueError(
                f"{type(self).__name__} '{self.name}' was given constants, which its cell "
                f"{type(self.cell).__name__} does not take; give call(inputs, states, constants) "
                "to the cell, or leave constants out."
            )
        return {**kwargs, "constants": list(constants)}

    def _draw_dropout_masks(self, sequences, states, training) -> None:
        """Draw the cells' dropout masks before the loop, the same for all steps.

        When not training, ones stand in their place: SimpleRNNCell asks for its masks then too, and
        would draw them within the loop.

        Source: Gal, Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent
        Neural Networks", NeurIPS 2016.
        """
        batch, size = ops.shape(sequences)[0], sequences.shape[2:]
        stacked = getattr(self.cell, "cells", None)
        ordered = getattr(self.cell, "_ordered", list)  # StackedRNNCells(reverse_state_order=True)
        pairs = zip(stacked, ordered(states), strict=True) if stacked else [(self.cell, states)]
        for cell, state in pairs:
            dropping = getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0)
            if dropping and not training:
                cell._dropout_mask = cell._recurrent_dropout_mask = ops.ones(())
            elif dropping:
                cell.get_dropout_mask(ops.ones((batch, *size), dtype=cell.compute_dtype))
                cell.get_recurrent_dropout_mask(tree.flatten(state)[0])
            size = (getattr(cell, "output_size", None) or tree.flatten(cell.state_size)[0],)

    # Shapes, masks, settings

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        batch_first = list(sequences_shape)
        if self.time_major:
            batch_first[:2] = batch_first[1::-1]
        shapes = super().compute_output_shape(tuple(batch_first))
        if not (self.time_major and self.return_sequences):
            return shapes
        output, *states = shapes if self.return_state else (shapes,)
        output = (*output[1::-1], *output[2:])
        return (output, *states) if self.return_state else output

    def compute_mask(self, inputs, mask=None):
        """The mask of the input goes on with a sequence; a last output and states have none."""
        mask = tree.flatten(mask)[0] if mask is not None else None
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in self.state_size)] if self.return_state else mask

    def get_config(self):
        config = {**super().get_config(), "engine": self.engine}
        if self.time_major:
            config["time_major"] = True
        return config
