"""Names of the module ``keras`` itself, and of small modules of it, that are not what they were."""

import keras

from elman.compat.layers import Input as Input

__version__ = keras.__version__
set_policy = keras.config.set_dtype_policy
set_global_policy = keras.config.set_dtype_policy
