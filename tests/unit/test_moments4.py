"""Effective moments of four neutrinos: complex matrices, three-neutrino limit, phases that are physical."""

from itertools import combinations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayesnu.physics import derived, moments, moments4
from bayesnu.physics.mixing import Pair, pmns
from bayesnu.physics.mixing4 import NO_TURN, Angles, Phases, active_rows, antineutrino_row
from bayesnu.physics.moments import effective_moment_squared
from bayesnu.physics.moments4 import ELEMENTS, SIGN_13, antineutrino_matrix, polar, transition_matrix_4

E, MU, TAU = FLAVOURS = range(3)
PLACES = [(int(name[0]) - 1, int(name[1]) - 1) for name in ELEMENTS]
RNG = np.random.default_rng(9545)
# Six angles, four Dirac phases, six moduli, six phases of the moments.
POINTS = [
    np.concatenate(
        [RNG.uniform(0, np.pi / 2, 6), RNG.uniform(-4, 4, 4), RNG.uniform(0, 3, 6), RNG.uniform(-np.pi, np.pi, 6)]
    )
    for _ in range(40)
]


def close(value):
    return pytest.approx(value, rel=1e-12, abs=1e-12)


def turn(angle, xp=np):
    return xp.cos(angle), xp.sin(angle)


def rows_at(x, xp=np):
    angles, phases = [turn(x[i], xp) for i in range(6)], [turn(x[i], xp) for i in range(6, 10)]
    return active_rows(Angles(*angles), Phases(*phases))


def matrix_at(x, sign="matrix", xp=np):
    return transition_matrix_4([polar(x[10 + i], turn(x[16 + i], xp)) for i in range(6)], SIGN_13[sign])


def as_complex(pairs):
    return np.array([[complex(*element) for element in row] for row in pairs])


def as_pairs(matrix):
    return tuple(tuple(Pair(float(z.real), float(z.imag)) for z in row) for row in matrix)


def complex_matrix(x, sign_13=1.0):
    """Matrix of Eqs 2 and 3, written without the package."""
    upper = np.zeros((4, 4), dtype=complex)
    for place, modulus, zeta in zip(PLACES, x[10:16], x[16:], strict=True):
        upper[place] = modulus * np.exp(1j * zeta)
    upper[0, 2] *= sign_13
    return upper - upper.T


# --- the matrix and the moments ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sign", "value"), [("matrix", 1.0), ("tables", -1.0)])
def test_matrix_is_antisymmetric_with_a_declared_sign(sign, value):
    x = POINTS[0]
    np.testing.assert_allclose(as_complex(matrix_at(x, sign)), complex_matrix(x, value), atol=1e-15)
    assert SIGN_13[sign] == value


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_moments_against_complex_matrices(flavour):
    for x in POINTS:
        k, lam = as_complex(rows_at(x))[flavour], complex_matrix(x)
        row, matrix = rows_at(x)[flavour], matrix_at(x)
        assert effective_moment_squared(row, matrix) == close(np.sum(abs(k.conj() @ lam) ** 2))
        assert moments4.massive_moment_squared(row, matrix) == close(abs(k[:3].conj() @ lam[:3, 3]) ** 2)
        assert complex(*moments4.massive_amplitude(row, matrix)) == close(k[:3].conj() @ lam[:3, 3])
        light = np.sum(abs(k[:3].conj() @ lam[:3, :3]) ** 2)
        assert moments4.light_moment_squared(row, matrix) == close(light)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_neutrinos_and_antineutrinos_agree(flavour):
    for x in POINTS:
        row, matrix = rows_at(x)[flavour], matrix_at(x)
        anti = antineutrino_row(row), antineutrino_matrix(matrix)
        for moment in (effective_moment_squared, moments4.massive_moment_squared, moments4.light_moment_squared):
            assert moment(*anti) == close(moment(row, matrix))
        # Conjugating one of the two alone is another theory.
        assert effective_moment_squared(anti[0], matrix) != pytest.approx(
            effective_moment_squared(row, matrix), rel=1e-6
        )


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_limit_of_three_neutrinos(flavour):
    """lambda_12 = Lambda_3, lambda_13 = -Lambda_2, lambda_23 = Lambda_1: arXiv:1905.03750, Eqs 11, 12 and 17 to 19."""
    for x in POINTS:
        rows = active_rows(Angles(*(turn(t) for t in x[:3])), Phases(d13=turn(x[6])))
        three, zero, size, phase = pmns(*np.sin(x[:3]) ** 2, turn(x[6]), np), Pair(0.0, 0.0), x[10:], x[16:]
        first, second, third = (polar(size[i], turn(phase[i])) for i in range(3))
        four = transition_matrix_4([third, second, zero, first, zero, zero], SIGN_13["tables"])
        expected = effective_moment_squared(three[flavour], moments.transition_matrix([first, second, third]))
        assert effective_moment_squared(rows[flavour], four) == close(expected)
        assert moments4.light_moment_squared(rows[flavour], four) == close(expected)
        assert moments4.massive_moment_squared(rows[flavour], four) == 0


def test_massive_state_takes_no_incoming_fourth_neutrino():
    """One real lambda_14 gives c12^2 c13^2 c14^2; Eq 7 of the paper has s14^2 besides."""
    for x in POINTS:
        c12, c13, _, c14 = np.cos(x[:4])
        row = rows_at(x)[E]
        alone = transition_matrix_4([Pair(float(name == "14"), 0.0) for name in ELEMENTS], 1.0)
        assert moments4.massive_moment_squared(row, alone) == close((c12 * c13 * c14) ** 2)
        whole = effective_moment_squared(row, alone)
        assert whole == close((c12 * c13 * c14) ** 2 + np.sin(x[3]) ** 2)


# --- phases that are physical -----------------------------------------------------------------------------------------


def coefficients(phases, thetas, flavours, elements):
    """Coefficients of all pairs of moduli, one column for each column of phases: four Dirac phases, then zetas."""
    rows = active_rows(Angles(*map(turn, thetas)), Phases(*map(turn, phases[:4])))
    zetas = dict(zip(ELEMENTS, phases[4:], strict=True))
    pairs = [{i, j} for i, j in combinations(elements, 2)] + [{i} for i in elements]

    def moment(flavour, present):
        matrix = [polar(1.0, turn(zetas[name])) if name in present else Pair(0.0, 0.0) for name in ELEMENTS]
        return np.broadcast_to(
            effective_moment_squared(rows[flavour], transition_matrix_4(matrix, 1.0)), phases.shape[1:]
        )

    return np.array([moment(flavour, present) for flavour in flavours for present in pairs])


def phase_rank(flavours, neutrinos):
    """How many phases, or combinations of phases, the coefficients feel."""
    elements = [name for name in ELEMENTS if int(name[1]) <= neutrinos]
    rng = np.random.default_rng(5)
    thetas = rng.uniform(0.3, 1.2, 6) if neutrinos == 4 else [*rng.uniform(0.3, 1.2, 3), 0.0, 0.0, 0.0]
    step = 1e-4 * np.eye(10)
    start = rng.uniform(-3, 3, 10)[:, np.newaxis]
    up, down = (coefficients(start + s * step, thetas, flavours, elements) for s in (1, -1))
    return np.linalg.matrix_rank((up - down) / 2e-4, tol=1e-6)


@pytest.mark.parametrize(
    ("flavours", "neutrinos", "rank"),
    [
        ([E], 4, 5),
        ([MU], 4, 7),
        ([E, MU], 4, 7),
        ([E, MU, TAU], 4, 8),
        ([E], 3, 2),
        ([MU], 3, 3),
        ([E, MU], 3, 3),
        ([E, MU, TAU], 3, 3),
    ],
)
def test_count_of_phases(flavours, neutrinos, rank):
    """n (n - 2) phases are physical; all eight of four neutrinos only if tau neutrinos are among the flavours."""
    assert phase_rank(flavours, neutrinos) == rank


@pytest.mark.parametrize("flavour", [E, MU])
def test_a_phase_d24_is_no_observable_of_electrons_and_muons(flavour):
    """It goes into d14 - d24 and zeta_i4 + d24."""
    for x in POINTS:
        shifted = x.copy()
        shifted[7], shifted[8] = x[7] - x[8], 0.0
        shifted[16 + np.array([2, 4, 5])] += x[8]
        for moment in (effective_moment_squared, moments4.massive_moment_squared):
            expected = moment(rows_at(x)[flavour], matrix_at(x))
            assert moment(rows_at(shifted)[flavour], matrix_at(shifted)) == close(expected)


# --- interference -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_interference_of_antineutrinos_is_the_conjugate(flavour):
    for x in POINTS:
        row, matrix = rows_at(x)[flavour], matrix_at(x)
        neutrino = complex(*moments4.interference_coefficient(row, matrix))
        k, lam = as_complex([row])[0], complex_matrix(x)
        assert neutrino == close(k[3] * (k[:3].conj() @ lam[:3, 3]))
        anti = moments4.interference_coefficient(antineutrino_row(row), antineutrino_matrix(matrix))
        assert complex(*anti) == close(neutrino.conjugate())


def test_interference_grows_with_the_mixing():
    """One real lambda_14: c12 c13 c14 s14 exp(-i d14) for electrons; lambda_24 for muons, c14 s24 c24."""
    x = POINTS[0]
    c12, c13, _, c14 = np.cos(x[:4])
    alone = transition_matrix_4([Pair(float(name == "14"), 0.0) for name in ELEMENTS], 1.0)
    expected = c12 * c13 * c14 * np.sin(x[3]) * np.exp(-1j * x[7])
    assert complex(*moments4.interference_coefficient(rows_at(x)[E], alone)) == close(expected)
    muon = Angles(NO_TURN, NO_TURN, NO_TURN, theta_24=turn(0.1))
    second = transition_matrix_4([Pair(float(name == "24"), 0.0) for name in ELEMENTS], 1.0)
    found = moments4.interference_coefficient(active_rows(muon, Phases())[MU], second)
    assert complex(*found) == close(np.sin(0.2) / 2)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_phases_of_light_fields_are_a_convention(flavour):
    """nu_i -> exp(-i f_i) nu_i changes K_ai by exp(i f_i) and lambda_ij by exp(i (f_i + f_j)), and nothing else.

    The fourth field keeps its phase, for its mass is real. K for conj(K) would break this.
    """
    rng = np.random.default_rng(8)
    for x in POINTS[:10]:
        f = np.exp(1j * np.append(rng.uniform(-3, 3, 3), 0.0))
        k, lam = as_complex(rows_at(x))[flavour], complex_matrix(x)
        turned_k, turned_lam = k * f, lam * np.outer(f, f)
        before, after = (as_pairs([k])[0], as_pairs(lam)), (as_pairs([turned_k])[0], as_pairs(turned_lam))
        for quantity in (effective_moment_squared, moments4.massive_moment_squared, moments4.light_moment_squared):
            assert quantity(*after) == close(quantity(*before))
        found = complex(*moments4.interference_coefficient(*after))
        assert found == close(complex(*moments4.interference_coefficient(*before)))
        printed = [k[3].conj() * (k[:3] @ lam[:3, 3]), turned_k[3].conj() * (turned_k[:3] @ turned_lam[:3, 3])]
        assert abs(printed[1] - printed[0]) > 1e-3 * abs(printed[0])


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_weak_amplitude_to_the_fourth_state_is_its_mixing(flavour):
    """Neutral currents of all active flavours b: sum_(n<4) conj(K_an) K_bn conj(K_b4), whatever is not small."""
    for x in POINTS[:10]:
        small = np.concatenate([x[:3], 0.1 * x[3:6], x[6:]])
        k = as_complex(rows_at(small))
        exact = np.einsum("n,bn,b->", k[flavour, :3].conj(), k[:, :3], k[:, 3].conj())
        sterile_share = np.sum(abs(k[:, 3]) ** 2)
        assert exact == close(k[flavour, 3].conj() * (1 - sterile_share))


# --- neutrinos from the sun -------------------------------------------------------------------------------------------

PROBABILITIES = (0.6, 0.35, 0.03, 0.02)


def test_solar_moments_term_by_term():
    for x in POINTS:
        m12, m13, m14, m23, m24, m34 = x[10:16] ** 2
        p1, p2, p3, p4 = PROBABILITIES
        # Eq 5 as printed.
        expected = p1 * (m12 + m13 + m14) + p2 * (m12 + m23 + m24) + p3 * (m13 + m23 + m34) + p4 * (m14 + m24 + m34)
        assert moments4.solar_moment_squared(PROBABILITIES, matrix_at(x)) == close(expected)
        massive = p1 * m14 + p2 * m24 + p3 * m34
        assert moments4.solar_massive_moment_squared(PROBABILITIES, matrix_at(x)) == close(massive)


def test_solar_moment_is_the_mean_over_phases_that_distance_scrambles():
    """Mean of Eq 4 over the phases of the mass states; roots of unity make the mean exact."""
    x, n = POINTS[0], 16
    amplitudes = np.sqrt(PROBABILITIES)
    moment = 0.0
    for k in range(n):
        row = amplitudes * np.exp(2j * np.pi * k / n * np.array([0, 1, 3, 7]))
        moment += effective_moment_squared(as_pairs([row])[0], matrix_at(x)) / n
    assert moments4.solar_moment_squared(PROBABILITIES, matrix_at(x)) == close(moment)


def test_solar_moment_of_three_neutrinos():
    """arXiv:1905.03750, Eq 38, where P_e3 = s13^2."""
    sin2_13, survival, zero = 0.022, 0.604, Pair(0.0, 0.0)
    probabilities = ((1 - sin2_13) * survival, (1 - sin2_13) * (1 - survival), sin2_13, 0.0)
    for x in POINTS:
        first, second, third = (polar(x[10 + i], turn(x[16 + i])) for i in range(3))
        matrix = transition_matrix_4([third, second, zero, first, zero, zero], SIGN_13["tables"])
        expected = derived.solar_moment_squared(x[10:13], sin2_13, survival)
        assert moments4.solar_moment_squared(probabilities, matrix) == close(expected)


# --- arrays and tensors -----------------------------------------------------------------------------------------------


def everything(x, xp):
    rows, matrix = rows_at(x, xp), matrix_at(x, "tables", xp)
    values = [moments4.solar_moment_squared(PROBABILITIES, matrix)]
    values.append(moments4.solar_massive_moment_squared(PROBABILITIES, matrix))
    for row in rows:
        values += [effective_moment_squared(row, matrix), moments4.massive_moment_squared(row, matrix)]
        values += [moments4.light_moment_squared(row, matrix), *moments4.interference_coefficient(row, matrix)]
    return values


def test_symbolic_tensors_give_the_same_numbers():
    x = pt.dvector("x")
    compiled = pytensor.function([x], everything(x, pt), mode="FAST_COMPILE")
    for point in POINTS[:5]:
        np.testing.assert_allclose(compiled(point), everything(point, np), rtol=1e-13, atol=1e-15)


def test_arrays_have_their_points_on_the_last_axis():
    together = np.array(everything(np.array(POINTS).T, np))
    each = np.array([everything(x, np) for x in POINTS]).T
    np.testing.assert_allclose(together, each, rtol=1e-13, atol=1e-14)
