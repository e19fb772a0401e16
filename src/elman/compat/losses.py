"""Losses that today's Keras has no function for."""

from elman.models.old_methods import cosine_proximity as cosine_proximity

cosine = cosine_proximity
