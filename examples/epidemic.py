"""An epidemic fitted to reports: how fast it spreads, with error bars, and how it would have gone.

The model is a dataclass and SciPy's `solve_ivp`; it knows nothing of gradx. Its parameters are
fitted with bounds, by `gx.curve_fit`, which takes the Jacobian through the steps of the integrator.
The covariance of the parameters gives the error of whatever is computed from them.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.integrate

# --- The model ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Epidemic:
    contact: float  # infections by one who is infectious, per day, when nobody is immune
    after: float  # the same after people began to keep away from each other
    recovery: float  # the share of the infectious who recover, per day
    first: float  # the infectious on the first day, in a thousand inhabitants

    def slope(self, t, y):
        susceptible, infectious, _ = y
        kept_away = 1 / (1 + np.exp(DAY - t))
        contact = self.contact + (self.after - self.contact) * kept_away
        infections = contact * susceptible * infectious / PEOPLE
        recoveries = self.recovery * infectious
        return [-infections, infections - recoveries, infections]


PEOPLE = 1000.0
DAY = 25.0  # of the rule to keep away


def new_cases(days, epidemic, integrate=scipy.integrate):
    """The infections between one day and the next, in a thousand inhabitants."""
    start = [PEOPLE - epidemic.first, epidemic.first, 0.0]
    found = integrate.solve_ivp(
        lambda t, y, e: e.slope(t, y),
        (days[0], days[-1]),
        start,
        t_eval=days,
        args=(epidemic,),
        rtol=1e-6,
        atol=1e-6,
    )
    return np.diff(found.y[2])


# --- The fit --------------------------------------------------------------------------------------

import gradx as gx  # noqa: E402 - the model above does without

days = np.arange(0.0, 61.0)
truth = Epidemic(contact=0.42, after=0.12, recovery=0.15, first=0.8)
rng = np.random.default_rng(3)
expected = new_cases(days, truth)
reports = expected * (1 + 0.1 * rng.normal(size=60))  # counted with an error of 10 %

fit = gx.curve_fit(
    lambda days, epidemic: new_cases(days, epidemic, gx.scipy.integrate),
    days,
    reports,
    Epidemic(contact=0.3, after=0.3, recovery=0.2, first=1.0),
    sigma=0.1 * np.maximum(reports, 0.1),
    absolute_sigma=True,
    bounds={"contact": (0, 2), "after": (0, 2), "recovery": (0.02, 1), "first": (0.01, 20)},
)
deviations = fit.covariance.deviations
for name, found in vars(fit.x).items():
    true, deviation = getattr(truth, name), getattr(deviations, name)
    print(f"{name:9} {found:.3f} ± {deviation:.3f}   truth {true}")
    assert abs(found - true) < 4 * deviation


def reproduction(epidemic):
    """How many people one infects, when nobody is immune."""
    return epidemic.contact / epidemic.recovery


def total_if_kept_on(epidemic):
    """All infections, had nobody kept away."""
    free = replace(epidemic, after=epidemic.contact)
    return np.sum(new_cases(days, free, gx.scipy.integrate))


def with_error(f, fit):
    """A number computed from the parameters, and its standard deviation to the first order."""
    value, gradient = gx.value_and_grad(f)(fit.x)
    slope, _ = gx.ravel(gradient)
    return value, np.sqrt(slope @ fit.covariance.matrix @ slope)


for f in (reproduction, total_if_kept_on):
    value, deviation = with_error(f, fit)
    print(f"{f.__name__}: {value:.2f} ± {deviation:.2f}   truth {f(truth):.2f}")
    assert abs(value - f(truth)) < 4 * deviation
