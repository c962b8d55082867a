import numpy as np
import pytest
import torch

from labformer.domains.potentials.fast.harmonics import couplings, gaunt, real_harmonics


def _sphere(degree):
    heights, weights = np.polynomial.legendre.leggauss(2 * degree + 2)
    angles = np.arange(4 * degree + 4) * 2 * np.pi / (4 * degree + 4)
    z, turn = np.meshgrid(heights, angles, indexing="ij")
    around = np.sqrt(1 - z**2)
    points = np.stack([around * np.cos(turn), around * np.sin(turn), z], -1).reshape(-1, 3)
    return torch.from_numpy(points), torch.from_numpy(np.repeat(weights, len(angles)) * 2 * np.pi / len(angles))


@pytest.mark.parametrize("degree", [0, 1, 4, 6])
def test_harmonics_are_orthonormal_on_the_sphere(degree):
    points, weights = _sphere(degree)
    y = real_harmonics(points, degree)
    torch.testing.assert_close(y.T @ (y * weights[:, None]), torch.eye((degree + 1) ** 2, dtype=torch.float64))


def test_harmonics_agree_with_scipy():
    from scipy.special import sph_harm_y

    points, _ = _sphere(3)
    x, y, z = points.numpy().T
    ours = real_harmonics(points, 4).numpy()
    for l in range(5):  # noqa: E741
        for m in range(1, l + 1):
            theirs = sph_harm_y(l, m, np.arccos(z), np.arctan2(y, x))
            np.testing.assert_allclose(ours[:, l * l + l + m], np.sqrt(2) * theirs.real, atol=1e-12)
            np.testing.assert_allclose(ours[:, l * l + l - m], np.sqrt(2) * theirs.imag, atol=1e-12)


def test_a_degree_turns_into_itself_and_keeps_its_length():
    torch.manual_seed(0)
    points = torch.nn.functional.normalize(torch.randn(7, 3, dtype=torch.float64), dim=1)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    before, after = real_harmonics(points, 4), real_harmonics(points @ turn, 4)
    for l in range(5):  # noqa: E741
        own = slice(l * l, (l + 1) ** 2)
        torch.testing.assert_close(before[:, own] @ before[:, own].T, after[:, own] @ after[:, own].T)


def test_couplings_are_the_triples_with_an_integral():
    blocks = gaunt(3)
    for a in range(4):
        for b in range(a, 4):
            for c in range(b, 4):
                block = blocks[a * a : (a + 1) ** 2, b * b : (b + 1) ** 2, c * c : (c + 1) ** 2]
                assert ((a, b, c) in couplings(3)) == bool(np.abs(block).max() > 1e-10)


def test_a_gradient_exists_at_the_poles():
    pole = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: real_harmonics(v, 4), pole)
