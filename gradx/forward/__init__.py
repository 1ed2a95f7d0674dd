"""Forward mode: a run that carries the tangent of each value along with it."""
