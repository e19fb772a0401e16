"""The matplotlib backend of `elman.compat.figures`: matplotlib loads it when the program does."""

from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

from elman.compat.figures import show

__all__ = ["FigureCanvas", "show"]
