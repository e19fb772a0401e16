"""The attention decoder: its equations, one step against the whole sequence, masks, files."""

import keras
import numpy as np
import pytest
from keras import ops

from elman import layers
from elman.models import Model

B, T, U, I, M, H = 3, 5, 4, 2, 6, 3  # noqa: E741
CASES = {
    "lstm-multiplicative": {"attention": "multiplicative"},
    "gru-additive-2-layers": {"cell": "gru", "attention": "additive", "layers": 2},
    "lstm-additive-fed": {"attention": "additive", "input_feeding": True, "layers": 2},
    "simple_rnn-multiplicative-fed": {"cell": "simple_rnn", "input_feeding": True},
    "gru-none": {"cell": "gru", "attention": None},
}
by_case = pytest.mark.parametrize("options", CASES.values(), ids=CASES)


def built(**options):
    random = np.random.default_rng(0)
    decoder = layers.AttentionDecoder(H, **options)
    decoder.build((None, None, I), (None, None, M))
    decoder.set_weights([random.normal(scale=0.7, size=w.shape) for w in decoder.weights])
    return decoder


def arrays(decoder):
    random = np.random.default_rng(1)
    x, memory = random.normal(size=(B, U, I)), random.normal(size=(B, T, M))
    states = [random.normal(size=(B, H)) for _ in range(decoder.state_count)]
    memory_mask = np.arange(T) < [[5], [2], [3]]
    return [ops.cast(a, "float32") for a in (x, memory)], states, memory_mask


@by_case
def test_a_sequence_is_its_steps_for_several_hypotheses_at_once(options):
    decoder = built(**options)
    (x, memory), states, memory_mask = arrays(decoder)
    whole = decoder(x, memory, initial_state=states, memory_mask=memory_mask)
    keys, outputs = decoder.keys(memory), []
    both = [ops.cast(np.stack([s, 2 * s], axis=1), "float32") for s in states]
    for u in range(U):
        x_u = ops.stack([x[:, u], x[:, u]], axis=1)
        y, both, _ = decoder.step(x_u, both, memory, keys, memory_mask)
        outputs.append(ops.convert_to_numpy(y))
    outputs = np.stack(outputs, axis=2)
    # float32, and what is rounded in a step is fed to the next and grows there.
    np.testing.assert_allclose(outputs[:, 0], ops.convert_to_numpy(whole), atol=3e-5)
    twice = decoder(x, memory, initial_state=[2 * s for s in states], memory_mask=memory_mask)
    np.testing.assert_allclose(outputs[:, 1], ops.convert_to_numpy(twice), atol=3e-5)


@pytest.mark.parametrize("attention", ["additive", "multiplicative"])
def test_the_equations(attention):
    decoder = built(cell="simple_rnn", attention=attention)
    (x, memory), (state,), mask = arrays(decoder)
    weights = {w.path.split("/", 1)[1]: ops.convert_to_numpy(w) for w in decoder.weights}
    rnn = {name.rpartition("/")[2]: w for name, w in weights.items() if "simple_rnn" in name}
    h, m = state, ops.convert_to_numpy(memory)
    y = ops.convert_to_numpy(decoder(x, memory, initial_state=[state], memory_mask=mask))
    for u in range(U):
        x_u = ops.convert_to_numpy(x)[:, u]
        h = np.tanh(x_u @ rnn["kernel"] + h @ rnn["recurrent_kernel"] + rnn["bias"])
        keys = m @ weights["key/kernel"]
        if attention == "additive":
            sums = np.tanh((h @ weights["query/kernel"])[:, None] + keys + weights["key/bias"])
            (v,) = (w for name, w in weights.items() if name.endswith("scale"))
            score = sums @ v
        else:
            score = np.einsum("bh,bth->bt", h, keys)
        score = np.where(mask, np.exp(score), 0)
        a = score / score.sum(1, keepdims=True)
        joined = np.concatenate([h, np.einsum("bt,btm->bm", a, m)], axis=1)
        expected = np.tanh(joined @ weights["join/kernel"] + weights["join/bias"])
        np.testing.assert_allclose(y[:, u], expected, atol=1e-5)


@by_case
def test_masks_go_through_a_model_and_padding_counts_for_nothing(options):
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    embed = layers.Embedding(9, I, mask_zero=True)
    memory = layers.Bidirectional(layers.GRU(M // 2, return_sequences=True))(embed(source))
    y = layers.AttentionDecoder(H, **options)(embed(target), memory)
    model = Model([source, target], layers.Dense(2)(y))
    random = np.random.default_rng(2)
    ids, answer = random.integers(1, 9, (2, 4)), random.integers(1, 9, (2, 3))
    short = model.predict_on_batch([ids, answer])
    long = model.predict_on_batch([np.pad(a, [(0, 0), (0, 2)]) for a in (ids, answer)])
    np.testing.assert_allclose(long[:, :3], short, atol=1e-6)


@pytest.mark.parametrize("case", ["lstm-multiplicative", "simple_rnn-multiplicative-fed"])
def test_it_learns_with_dropout_and_comes_back_from_a_file(case, tmp_path):
    options = CASES[case] | {"dropout": 0.1, "recurrent_dropout": 0.1, "seed": 1}
    x, memory = keras.Input((None, I)), keras.Input((None, M))
    y = layers.AttentionDecoder(8, **options)(x, memory)
    model = Model([x, memory], layers.Dense(1)(y))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    random = np.random.default_rng(3)
    data = [random.normal(size=(16, U, I)), random.normal(size=(16, T, M))]
    losses = model.fit(data, data[0].sum(-1, keepdims=True), epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    model.save(tmp_path / "decoder.keras")
    again = keras.models.load_model(tmp_path / "decoder.keras")
    np.testing.assert_array_equal(again.predict_on_batch(data), model.predict_on_batch(data))


def test_what_is_wrong_is_told():
    with pytest.raises(ValueError, match=r"attention must be one of 'additive'.*got 'self'"):
        layers.AttentionDecoder(3, attention="self")
    with pytest.raises(ValueError, match="must be called with the memory"):
        layers.AttentionDecoder(3)(np.zeros((1, 2, 3), "float32"))
