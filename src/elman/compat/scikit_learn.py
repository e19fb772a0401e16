"""``keras.wrappers.scikit_learn``: a function that builds a model, as a scikit-learn estimator."""

import inspect

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

_METHODS = ("fit", "predict", "evaluate")


class _Wrapper(BaseEstimator):
    """``build_fn(**its arguments)`` builds and compiles a model; other arguments go to `fit`."""

    def __init__(self, build_fn=None, **sk_params):
        self.build_fn, self.sk_params = build_fn, sk_params
        self._check()

    def _check(self) -> None:
        known = self._known()
        for name, value in self.sk_params.items():
            if name not in known:
                raise ValueError(
                    f"{name} must be an argument of build_fn or of fit, evaluate or predict, got "
                    f"{name}={value!r}; leave it out"
                )

    def _build(self):
        return self.__call__ if self.build_fn is None else self.build_fn

    def _known(self) -> set[str]:
        known = {"nb_epoch", *inspect.signature(self._build()).parameters}
        for method in _METHODS:
            known |= set(inspect.signature(getattr(keras.Model, method)).parameters)
        return known - {"self", "x", "y"}

    def get_params(self, deep=True):
        return {"build_fn": self.build_fn, **self.sk_params}

    def set_params(self, **params):
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.sk_params = {**self.sk_params, **params}
        self._check()
        return self

    def _chosen(self, function, given) -> dict:
        """Those arguments that ``function`` takes."""
        takes = set(inspect.signature(function).parameters)
        return {k: v for k, v in {**self.sk_params, **given}.items() if k in takes}

    def _fit(self, x, y, given):
        build = self._build()
        self.model = build(**self._chosen(build, {}))
        given = {**{k: v for k, v in self.sk_params.items() if k == "nb_epoch"}, **given}
        chosen = self._chosen(keras.Model.fit, given)
        if "nb_epoch" in given:
            chosen["epochs"] = given["nb_epoch"]
        self.history_ = self.model.fit(np.asarray(x), y, **chosen)
        return self.history_

    def _predict(self, x, given):
        return self.model.predict(np.asarray(x), **self._chosen(keras.Model.predict, given))


class KerasClassifier(ClassifierMixin, _Wrapper):
    """A classifier; ``predict`` gives labels, whatever they are.

    Example:
        >>> from elman.layers import Dense
        >>> from elman.models import Sequential
        >>> def build(units=4):
        ...     model = Sequential([Dense(units, input_dim=2), Dense(3, activation="softmax")])
        ...     model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> classifier = KerasClassifier(build, units=3, epochs=1, verbose=0)
        >>> _ = classifier.fit(np.ones((6, 2)), ["a", "b", "c"] * 2)
        >>> classifier.predict(np.ones((2, 2))).shape
        (2,)
    """

    def fit(self, x, y, **kwargs):
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:  # one-hot
            self.classes_ = np.arange(y.shape[1])
        else:
            self.classes_, y = np.unique(y, return_inverse=True)
            y = y.reshape(-1)
        build = self._build()
        loss = self._loss_of(build)
        if loss == "categorical_crossentropy" and y.ndim == 1:
            y = keras.utils.to_categorical(y, len(self.classes_))
        return self._fit(x, y, kwargs)

    def _loss_of(self, build):
        return getattr(build(**self._chosen(build, {})), "loss", None)

    def predict_proba(self, x, **kwargs):
        scores = self._predict(x, kwargs)
        return np.hstack([1 - scores, scores]) if scores.shape[1] == 1 else scores

    def predict(self, x, **kwargs):
        return self.classes_[self.predict_proba(x, **kwargs).argmax(-1)]

    def score(self, x, y, **kwargs):
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            y = self.classes_[y.argmax(-1)]
        return float(np.mean(self.predict(x, **kwargs) == y.reshape(-1)))


class KerasRegressor(RegressorMixin, _Wrapper):
    """A regressor; ``score`` is minus the loss, as in Keras 2."""

    def fit(self, x, y, **kwargs):
        return self._fit(x, np.asarray(y), kwargs)

    def predict(self, x, **kwargs):
        return np.squeeze(self._predict(x, kwargs), -1)

    def score(self, x, y, **kwargs):
        loss = self.model.evaluate(
            np.asarray(x), np.asarray(y), **self._chosen(keras.Model.evaluate, kwargs)
        )
        return -float(loss[0] if isinstance(loss, list) else loss)
