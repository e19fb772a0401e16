"""What a layer must give, by the reference: its outputs, and a function for its gradients.

`run_cell`, `run_stack` and `run_bidirectional` take the arrays a layer takes, and return its
outputs (a list, as the layer has them with its options) and `pull`, which turns the gradients of
these outputs into those of x, of the initial states and of the weights, in the layer's order.
"""

import numpy as np

from elman import reference


def run_cell(cell, x, states, mask, *, return_sequences, return_state, **options):
    run = reference.forward(cell, x, states, mask, **options)
    outputs = [run.outputs if return_sequences else run.last_output]
    if return_state:
        outputs += run.states

    def pull(gradients):
        output, d_states = gradients[0], gradients[1:] or None
        if return_sequences:
            g = reference.backward(cell, run, d_outputs=output, d_states=d_states)
        else:
            g = reference.backward(cell, run, d_last_output=output, d_states=d_states)
        return g.x, list(g.initial_states), list(g[2:])

    return outputs, pull


def run_stack(cells, x, states, mask, *, return_sequences, return_state, go_backwards=False,
              **options):  # fmt: skip
    """Stacked cells are layers one on the other, all in the order of the first one's steps."""
    counts = [cell.state_count for cell in cells]
    ends = np.cumsum(counts)
    finals, pulls = [], []
    for n, cell in enumerate(cells):
        last = n == len(cells) - 1
        backwards = go_backwards and n == 0
        own = None if states is None else states[ends[n] - counts[n] : ends[n]]
        (x, *final), pull = run_cell(
            cell,
            x,
            own,
            mask,
            return_sequences=return_sequences or not last,
            return_state=True,
            go_backwards=backwards,
            **(options if last else {}),
        )
        mask = mask[:, ::-1] if backwards and mask is not None else mask
        finals += final
        pulls.append(pull)

    def pull_all(gradients):
        d, d_finals = gradients[0], list(gradients[1:]) or [np.zeros_like(f) for f in finals]
        d_states, weights = [], []
        for n in reversed(range(len(cells))):
            d, own, of_cell = pulls[n]([d, *d_finals[ends[n] - counts[n] : ends[n]]])
            d_states, weights = own + d_states, of_cell + weights
        return d, d_states, weights

    return [x, *(finals if return_state else [])], pull_all


def run_bidirectional(cells, x, states, mask, *, merge_mode, return_sequences, return_state,
                      **options):  # fmt: skip
    """A forward and a backward layer; the backward outputs are turned into the order of time.

    A sequence has zeros at masked steps, as Keras 2 and 3 have it for this wrapper.
    """
    count = cells[0].state_count
    options |= {"return_sequences": return_sequences, "return_state": return_state}
    options["zero_output_for_mask"] = return_sequences
    halves = (None, None) if states is None else (states[:count], states[count:])
    (y, *final), pull = run_cell(cells[0], x, halves[0], mask, **options)
    (z, *z_final), z_pull = run_cell(cells[1], x, halves[1], mask, go_backwards=True, **options)

    def turned(a):
        return a[:, ::-1] if return_sequences else a

    z = turned(z)
    units = y.shape[-1]
    merged = {
        "concat": [np.concatenate([y, z], axis=-1)],
        "sum": [y + z],
        "ave": [(y + z) / 2],
        "mul": [y * z],
        None: [y, z],
    }[merge_mode]

    def pull_both(gradients):
        d, rest = gradients[0], gradients[len(merged) :]
        if merge_mode is None:
            dy, dz = gradients[:2]
        elif merge_mode == "concat":
            dy, dz = d[..., :units], d[..., units:]
        elif merge_mode == "mul":
            dy, dz = d * z, d * y
        else:
            dy = dz = d / 2 if merge_mode == "ave" else d
        x_1, states_1, weights_1 = pull([dy, *rest[:count]])
        x_2, states_2, weights_2 = z_pull([turned(dz), *rest[count:]])
        return x_1 + x_2, states_1 + states_2, weights_1 + weights_2

    return [*merged, *final, *z_final], pull_both
