"""A SimpleRNN reads handwritten digits row by row: 8 timesteps of 8 features.

The digits are the 1,797 real ones that come with scikit-learn; a quarter of them is kept for the
test. The network sees one row at a time, so it has to remember the rows before.
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from elman.layers import Dense, SimpleRNN
from elman.models import Sequential
from elman.utils import set_random_seed

EPOCHS = 30


def load():
    """Images [B, 8, 8] from 0 to 1 and labels [B]: x_train, x_test, y_train, y_test."""
    digits = load_digits()
    images = (digits.images / 16).astype("float32")
    return train_test_split(
        images, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )


def classifier(recurrent):
    """The layer `recurrent` reads the rows, a dense layer names the digit."""
    model = Sequential()
    model.add(recurrent)
    model.add(Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    x_train, x_test, y_train, y_test = load()
    set_random_seed(0)
    model = classifier(SimpleRNN(64, input_shape=(8, 8)))
    model.fit(x_train, y_train, epochs=EPOCHS, verbose=0)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Accuracy on {len(y_test)} digits not seen in training: {accuracy:.3f}")


if __name__ == "__main__":
    main()
