"""What of JAX's derivatives a computation has: those of reverse mode.

JAX refuses forward mode where there is a `custom_vjp`, but cannot say what to do instead. So arrays
pass an identity on their way in, the derivative of which can be transposed, as reverse mode does,
and not computed.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from elman.engine import _native


def only_in_reverse(x: Any) -> Any:
    """``x``, from where on there is no forward mode; arrays that nobody traces have no mode."""
    traced = isinstance(x, jax.core.Tracer) and jnp.issubdtype(x.dtype, jnp.floating)
    return _identity(x) if traced else x


@jax.custom_jvp
def _identity(x: Any) -> Any:
    return x


@_identity.defjvp
def _differentiate(primals: Any, tangents: Any) -> Any:
    return primals[0], _tangent.bind(tangents[0])


def _refuse(*_: Any, **__: Any) -> Any:
    raise NotImplementedError(_native.ONCE)


_tangent = Primitive("elman_tangent")
_tangent.def_abstract_eval(lambda tangent: tangent)
_tangent.def_impl(_refuse)
ad.deflinear(_tangent, lambda gradient: [gradient])
batching.primitive_batchers[_tangent] = lambda tangents, axes: (_tangent.bind(*tangents), axes[0])
mlir.register_lowering(_tangent, _refuse)
