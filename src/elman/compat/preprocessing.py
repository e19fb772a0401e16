"""``keras.preprocessing``: texts, sequences and pictures as in Keras 2.

`Tokenizer`, `TimeseriesGenerator`, `ImageDataGenerator` and their like are those that Keras keeps
for ``tf.keras``; `pad_sequences` and what turns pictures into arrays is Keras's own of today.
"""

import keras

from elman._keras_private import old_preprocessing
from elman.compat.datasets import timeseries_dataset_from_array as timeseries_dataset_from_array

globals().update(old_preprocessing())

pad_sequences = keras.utils.pad_sequences
array_to_img = keras.utils.array_to_img
img_to_array = keras.utils.img_to_array
load_img = keras.utils.load_img
save_img = keras.utils.save_img
