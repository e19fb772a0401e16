'''Character-level sequence-to-sequence with teacher forcing and an inference model of its own.'''
from __future__ import print_function

from keras.models import Model
from keras.layers import Input, LSTM, Dense
import numpy as np

batch_size = 6
latent_dim = 8

input_texts = ['go', 'run', 'stop', 'wait', 'help', 'jump']
target_texts = ['\t' + text[::-1] + '!\n' for text in input_texts]
input_characters = sorted(set(''.join(input_texts)))
target_characters = sorted(set(''.join(target_texts)))
num_encoder_tokens = len(input_characters)
num_decoder_tokens = len(target_characters)
max_encoder_seq_length = max([len(txt) for txt in input_texts])
max_decoder_seq_length = max([len(txt) for txt in target_texts])
print('Number of unique input tokens:', num_encoder_tokens)

input_token_index = dict([(char, i) for i, char in enumerate(input_characters)])
target_token_index = dict([(char, i) for i, char in enumerate(target_characters)])
encoder_input_data = np.zeros((6, max_encoder_seq_length, num_encoder_tokens), dtype='float32')
decoder_input_data = np.zeros((6, max_decoder_seq_length, num_decoder_tokens), dtype='float32')
decoder_target_data = np.zeros((6, max_decoder_seq_length, num_decoder_tokens), dtype='float32')
for i, (input_text, target_text) in enumerate(zip(input_texts, target_texts)):
    for t, char in enumerate(input_text):
        encoder_input_data[i, t, input_token_index[char]] = 1.
    for t, char in enumerate(target_text):
        decoder_input_data[i, t, target_token_index[char]] = 1.
        if t > 0:
            decoder_target_data[i, t - 1, target_token_index[char]] = 1.

# Define an input sequence and process it.
encoder_inputs = Input(shape=(None, num_encoder_tokens))
encoder = LSTM(latent_dim, return_state=True)
encoder_outputs, state_h, state_c = encoder(encoder_inputs)
# We discard `encoder_outputs` and only keep the states.
encoder_states = [state_h, state_c]

decoder_inputs = Input(shape=(None, num_decoder_tokens))
decoder_lstm = LSTM(latent_dim, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = Dense(num_decoder_tokens, activation='softmax')
decoder_outputs = decoder_dense(decoder_outputs)

model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(optimizer='rmsprop', loss='categorical_crossentropy')
rng = np.random.RandomState(8)
for layer in (encoder, decoder_lstm, decoder_dense):
    layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
taught = model.predict([encoder_input_data, decoder_input_data])
history = model.fit([encoder_input_data, decoder_input_data], decoder_target_data,
                    batch_size=batch_size, epochs=3, shuffle=False, verbose=0)

# Inference: one model encodes, one decodes a step.
encoder_model = Model(encoder_inputs, encoder_states)
decoder_state_input_h = Input(shape=(latent_dim,))
decoder_state_input_c = Input(shape=(latent_dim,))
decoder_states_inputs = [decoder_state_input_h, decoder_state_input_c]
decoder_outputs, state_h, state_c = decoder_lstm(
    decoder_inputs, initial_state=decoder_states_inputs)
decoder_states = [state_h, state_c]
decoder_outputs = decoder_dense(decoder_outputs)
decoder_model = Model([decoder_inputs] + decoder_states_inputs,
                      [decoder_outputs] + decoder_states)

states_value = encoder_model.predict(encoder_input_data[:1])
target_seq = np.zeros((1, 1, num_decoder_tokens))
target_seq[0, 0, target_token_index['\t']] = 1.
decoded = ''
while len(decoded) < 5:
    output_tokens, h, c = decoder_model.predict([target_seq] + states_value)
    sampled = np.argmax(output_tokens[0, -1, :])
    decoded += target_characters[sampled]
    target_seq = np.zeros((1, 1, num_decoder_tokens))
    target_seq[0, 0, sampled] = 1.
    states_value = [h, c]
print('Decoded:', repr(decoded))

result = {'taught': taught, 'trained_loss': history.history['loss'], 'trained_step': output_tokens}
