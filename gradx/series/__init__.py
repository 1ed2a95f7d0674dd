"""Series: a run that carries the Taylor coefficients of each value along with it."""
