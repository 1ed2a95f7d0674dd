"""The tables of ops: every derivative in gradx, one rule a line, grouped by property.

Reading order: `elementwise`, `reductions`, `products`, `shaping`, `indexing`, `linalg`,
`fourier`. `helpers` holds what rules share. A rule is plain NumPy code on values; it runs
unchanged on lifted values, which is where derivatives of derivatives come from.
"""
