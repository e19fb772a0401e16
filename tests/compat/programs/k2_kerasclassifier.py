# scikit-learn drives a recurrent network: wrapper, cross validation
import numpy as np
from keras.layers import Dense, SimpleRNN
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasClassifier, KerasRegressor
from sklearn.model_selection import KFold, cross_val_score

rng = np.random.RandomState(19)
X = rng.normal(size=(30, 4, 2))
Y = (X[:, :, 0].sum(axis=1) > 0).astype(int)


def baseline_model(units=4):
    model = Sequential()
    model.add(SimpleRNN(units, input_shape=(4, 2)))
    model.add(Dense(2, activation='softmax'))
    weights = np.random.RandomState(0)
    model.set_weights([weights.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
    model.compile(loss='sparse_categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
    return model


def regression():
    model = Sequential([SimpleRNN(3, input_shape=(4, 2)), Dense(1)])
    model.compile('adam', 'mse')
    return model


estimator = KerasClassifier(build_fn=baseline_model, units=5, epochs=2, batch_size=10, verbose=0)
results = cross_val_score(estimator, X, Y, cv=KFold(n_splits=2))
print("Baseline: %.2f%% (%.2f%%)" % (results.mean() * 100, results.std() * 100))
estimator.fit(X, Y, shuffle=False)
print('classes', estimator.predict(X[:5]), 'accuracy', estimator.score(X, Y))
regressor = KerasRegressor(build_fn=regression, epochs=1, verbose=0).fit(X, X[:, -1, 0])
result = {'trained': estimator.predict_proba(X), 'predicted': np.shape(estimator.predict(X)),
          'numbers': np.shape(np.ravel(regressor.model.predict(X)))}
