"""What `gx.train.fit` moves between host and device: orders of samples, and numbers of reports.

Only the software device counts, so on the hardware these tests are not collected.
"""

import softcuda

from gradx.optim import adam
from gradx.train import fit
from tests.cuda.test_fit import loss, problem


def test_steps_read_nothing(backend):
    params, data = problem("cuda")
    how = {"method": adam(0.05), "epochs": 2, "validation": data}
    fit(loss, params, data, batch=30, **how)  # kernels are made
    counts = []
    for batch in (1, 30):
        with softcuda.counting() as c:
            fit(loss, params, data, batch=batch, **how)
        counts.append(c)
    few, many = counts
    assert few.d2h.count == many.d2h.count == 4  # the sum of the losses and a score, an epoch
    assert few.h2d.count == many.h2d.count == 2  # the order of an epoch's samples
