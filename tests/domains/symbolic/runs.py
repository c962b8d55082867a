"""Runs of known laws."""

import numpy as np
from scipy.integrate import solve_ivp

from labformer.domains.symbolic.system import System
from labformer.domains.symbolic.trajectory import Trajectory


def simulated(equations, start, end, points=200, noise=0.0, seed=0, keep=1.0, names=()):
    """A run of a law; noise is relative; keep: share of points kept."""
    times = np.linspace(0, end, points)
    system = System.parse(equations)
    states = solve_ivp(system.rhs, (0, end), start, t_eval=times, method="LSODA", rtol=1e-9, atol=1e-11).y.T
    draw = np.random.default_rng(seed)
    states = states * (1 + noise * draw.standard_normal(states.shape))
    kept = np.sort(draw.permutation(points)[: int(keep * points)])
    return Trajectory(times[kept], states[kept], names)
