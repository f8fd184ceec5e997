"""Densities of a step against scipy, and residuals against the covariance that they stand for."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, multivariate_t

from synthfin_core.losses.likelihood import (
    gaussian_log_density,
    low_rank_log_density,
    solve_below,
    student_t_log_density,
    whiten,
)


def a_step(d, seed=0):
    draw = np.random.default_rng(seed)
    x, m, log_s = draw.standard_normal((3, d))
    below = draw.standard_normal(d * (d - 1) // 2)
    matrix = np.eye(d)
    matrix[np.tril_indices(d, -1)] = below
    root = np.diag(np.exp(log_s)) @ np.linalg.inv(matrix)
    return [torch.as_tensor(part) for part in (x, m, log_s, below)], root @ root.T


@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_gaussian_density_equals_scipys(d):
    (x, m, log_s, below), covariance = a_step(d)
    found = gaussian_log_density(whiten(x, m, log_s, below), log_s)
    assert float(found) == pytest.approx(multivariate_normal.logpdf(x, m, covariance), rel=1e-9)


@pytest.mark.parametrize("d", [1, 2, 5, 20])
@pytest.mark.parametrize("dof", [4.5, 30.0])
def test_student_t_density_equals_scipys(d, dof):
    (x, m, log_s, below), covariance = a_step(d)
    found = student_t_log_density(whiten(x, m, log_s, below), log_s, torch.tensor(dof, dtype=torch.float64))
    assert float(found) == pytest.approx(multivariate_t.logpdf(x, m, covariance, df=dof), rel=1e-9)


def test_student_t_tends_to_the_gaussian():
    (x, m, log_s, below), _ = a_step(3)
    u = whiten(x, m, log_s, below)
    far = student_t_log_density(u, log_s, torch.tensor(1e7, dtype=torch.float64))
    torch.testing.assert_close(far, gaussian_log_density(u, log_s), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_solving_undoes_whitening(d):
    (x, m, log_s, below), _ = a_step(d)
    e = solve_below(whiten(x, m, log_s, below), below)
    torch.testing.assert_close(m + torch.exp(log_s) * e, x)


def test_whitening_has_right_gradients():
    inputs = [part[None].requires_grad_() for part in a_step(3)[0]]
    assert torch.autograd.gradcheck(whiten, inputs)


@pytest.mark.parametrize(("p", "rank"), [(1, 0), (6, 0), (6, 1), (40, 12)])
def test_low_rank_density_equals_scipys(p, rank):
    draw = np.random.default_rng(p + rank)
    x, m = draw.standard_normal((2, 5, p))
    log_s = 0.5 * draw.standard_normal((5, p))
    loadings, log_noise = draw.standard_normal((p, rank)), draw.standard_normal(p)
    e = (x - m) / np.exp(log_s)
    found = low_rank_log_density(*(torch.as_tensor(part) for part in (e, log_s, loadings, log_noise)))
    for i in range(5):
        scale = np.diag(np.exp(log_s[i]))
        covariance = scale @ (loadings @ loadings.T + np.diag(np.exp(log_noise))) @ scale
        assert float(found[i]) == pytest.approx(multivariate_normal.logpdf(x[i], m[i], covariance), rel=1e-9)
