"""The one place for names that Keras does not make public.

`in_stateless_scope`: inside JAX's loop no variable may be assigned, so the loop runs in a
`keras.StatelessScope`; but a second scope inside one that is already open would hide the values
held by the first. Keras has no public way to ask whether a scope is open.
"""

from keras.src.backend.common.stateless_scope import in_stateless_scope

__all__ = ["in_stateless_scope"]
