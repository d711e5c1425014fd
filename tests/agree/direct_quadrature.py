"""Counts of COHERENT CsI by direct nested quadrature, from the formulas of arXiv:1905.03750 and the files of data/.

Not a test module, and deliberately a second implementation: of bayesnu it imports the constants alone. Everything is a
scalar function handed to scipy.integrate, so it is slow and has no tricks in it.
"""

import csv
import tomllib
from itertools import pairwise
from math import cosh, exp, lgamma, log, pi, sin, sinh, sqrt
from pathlib import Path

import numpy as np
from scipy import integrate

from bayesnu import constants as c

ROOT = Path(__file__).parents[2]
MUON = c.MUON_MASS_MEV
END = MUON / 2
MICHEL = {
    # Eq 28, as polynomials of E.
    "nu_e": lambda E: 192 * (E / MUON) ** 2 * (0.5 - E / MUON) / MUON,
    "nubar_mu": lambda E: 64 * (E / MUON) ** 2 * (0.75 - E / MUON) / MUON,
}
RADIATIVE = {"rho": 1.0082, "kappa": 0.9972, "uL": -0.0031, "dL": -0.0025, "uR": 3.7e-5, "dR": 7.5e-5}
TREE = {"rho": 1.0, "kappa": 1.0, "uL": 0.0, "dL": 0.0, "uR": 0.0, "dR": 0.0}


def declaration():
    """The experiment's file as plain TOML."""
    file = ROOT / "data/experiments/coherent-csi-2017/experiment.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def table(name):
    """A CSV of data/ as rows."""
    with (ROOT / "data" / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def nuclei():
    """(Z, N, mass [MeV], number of nuclei, unpaired protons, unpaired neutrons) of caesium and iodine."""
    rows = {r["element"]: r for r in table("nuclei/isotopes.csv") if r["element"] in ("Cs", "I")}
    grams_per_mol = sum(float(r["mass_u"]) for r in rows.values())
    number = declaration()["detector"]["target"]["mass_kg"] * 1000 / grams_per_mol * c.AVOGADRO_PER_MOL
    for r in rows.values():
        Z, A = int(r["charge"]), int(r["mass_number"])
        mass = float(r["mass_u"]) * c.ATOMIC_MASS_UNIT_MEV - Z * c.ELECTRON_MASS_MEV
        yield Z, A - Z, mass, number, int(r["unpaired_protons"]), int(r["unpaired_neutrons"])


def fluence():
    """Neutrinos per cm2 and component: r N_POT / (4 pi L^2)."""
    f = declaration()["fluence"]
    return f["neutrinos_per_proton"] * f["protons_on_target"] / (4 * pi * (100 * f["baseline_m"]) ** 2)


# --- nucleus ----------------------------------------------------------------------------------------------------------


def nucleon_charges(numbers, s2):
    """Eqs 21 and 22: g_V^p, g_V^n, g_A^p, g_A^n."""
    uL = numbers["rho"] * (1 / 2 - 2 / 3 * numbers["kappa"] * s2) + numbers["uL"]
    dL = numbers["rho"] * (-1 / 2 + 1 / 3 * numbers["kappa"] * s2) + numbers["dL"]
    uR = numbers["rho"] * (-2 / 3 * numbers["kappa"] * s2) + numbers["uR"]
    dR = numbers["rho"] * (1 / 3 * numbers["kappa"] * s2) + numbers["dR"]
    vector = 2 * (uL + uR) + (dL + dR), (uL + uR) + 2 * (dL + dR)
    axial = 2 * (uL - uR) + (dL - dR), (uL - uR) + 2 * (dL - dR)
    return *vector, *axial


def fermi(Q, A):
    """Eqs 23 and 24 as printed, Q in 1/fm."""
    radius, a = 1.23 * A ** (1 / 3) - 0.60, 0.52
    x, y = Q * radius, pi * Q * a
    return 3 / (x * (x * x + y * y)) * (y / sinh(y)) * (y * sin(x) * cosh(y) / sinh(y) - x * np.cos(x))


def klein_nystrand(Q, A):
    """A hard sphere of 1.23 A^(1/3) fm folded with a Yukawa potential of range 0.7 fm."""
    x = Q * 1.23 * A ** (1 / 3)
    return 3 * (sin(x) - x * np.cos(x)) / x**3 / (1 + (0.7 * Q) ** 2)


# --- spectra ----------------------------------------------------------------------------------------------------------


def folded(flux, line, mass, T, shape):
    """Integral of shape(E) over the spectrum of a flux above the smallest energy that gives the recoil T."""
    lowest = (T + sqrt(T * T + 2 * mass * T)) / 2
    if flux == "nu_mu":
        return shape(line) if line > lowest else 0.0
    if lowest >= END:
        return 0.0
    return integrate.quad(lambda E: MICHEL[flux](E) * shape(E), lowest, END, epsabs=0, epsrel=1e-11)[0]


def rates(nucleus, flux, line, T, settings):
    """(standard model, magnetic) dR/dT per unit fluence [cm2/MeV], the latter for (1e-10 mu_B)^2; Eqs 20 and 25."""
    Z, N, mass, number, extra_p, extra_n = nucleus
    gVp, gVn, gAp, gAn = nucleon_charges(settings["numbers"], settings["s2"])
    F2 = settings["form"](sqrt(2 * mass * T) / c.HBAR_C_MEV_FM, Z + N) ** 2
    vector, axial = (gVp * Z + gVn * N) ** 2 * F2, (gAp * extra_p + gAn * extra_n) ** 2 * F2
    weak = c.FERMI_CONSTANT_PER_MEV2**2 * mass / pi * c.HBAR_C_SQUARED_MEV2_CM2
    em = pi * (c.FINE_STRUCTURE / c.ELECTRON_MASS_MEV) ** 2 * c.HBAR_C_SQUARED_MEV2_CM2 * 1e-20
    exact = settings["exact"]

    def standard(E):
        bend = mass * T / (2 * E * E)
        return weak * (vector * (1 - exact * T / E - bend) + axial * (1 + bend))

    def magnetic(E):
        return em * Z * Z * F2 * (1 / T - 1 / E)

    return number * np.array([folded(flux, line, mass, T, shape) for shape in (standard, magnetic)])


# --- detector ---------------------------------------------------------------------------------------------------------


def acceptance(x):
    """Eqs 30 and 31, x in photoelectrons."""
    step = 0.0 if x < 5 else 0.5 if x < 6 else 1.0
    return 0.6655 / (1 + exp(-0.4942 * (x - 10.8507))) * step


def one_bin(low=5.0, high=30.0, per_kev=1.17, line=29.9):
    """(standard model, magnetic) counts in one window of photoelectrons, proportional to the recoil."""
    settings = {"numbers": RADIATIVE, "s2": 0.23120, "form": fermi, "exact": 0}
    total = np.zeros(2)
    for nucleus in nuclei():
        for flux in ("nu_mu", "nubar_mu", "nu_e"):
            energy = line if flux == "nu_mu" else END
            end = 2 * energy**2 / (nucleus[2] + 2 * energy)
            edges = [x / per_kev / 1000 for x in sorted({low, max(low, 6.0), high})]
            edges = [*(e for e in edges if e < end), min(edges[-1], end)]
            for a, b in pairwise(edges):
                for k in (0, 1):

                    def counted(T, nucleus=nucleus, flux=flux, k=k):
                        return acceptance(per_kev * T * 1000) * rates(nucleus, flux, line, T, settings)[k]

                    total[k] += integrate.quad(counted, a, b, epsabs=0, epsrel=1e-10)[0]
    return total * fluence()


def spectrum(per_kev, line=29.79):
    """(standard model, magnetic) x 12 counts: whole photoelectrons, Poisson around a mean."""
    settings = {"numbers": TREE, "s2": 0.23857, "form": klein_nystrand, "exact": 1}
    numbers = np.arange(6, 30)
    accepted = np.array([acceptance(n + 0.5) for n in numbers])
    factorial = np.array([lgamma(n + 1) for n in numbers])
    total = np.zeros((2, 12))
    for nucleus in nuclei():
        for flux in ("nu_mu", "nubar_mu", "nu_e"):
            energy = line if flux == "nu_mu" else END
            end = 2 * energy**2 / (nucleus[2] + 2 * energy)

            def counted(T, nucleus=nucleus, flux=flux):
                mean = per_kev * T * 1000
                chances = accepted * np.exp(numbers * log(mean) - mean - factorial)
                return np.outer(rates(nucleus, flux, line, T, settings), chances.reshape(12, 2).sum(axis=1))

            # The chance of six photoelectrons goes as the sixth power of the mean: 0.01 of them is nothing.
            total += integrate.quad_vec(counted, 0.01 / per_kev / 1000, end, epsabs=0, epsrel=1e-9, norm="max")[0]
    return total * fluence()


# --- likelihoods ------------------------------------------------------------------------------------------------------


def gaussian(counts, mu, signal, prompt):
    """Eq 34 as a log-likelihood, without the constraints."""
    expected, variance = signal * (counts[0] + mu**2 * counts[1]) + 6 * prompt, 142 + 6 + 2 * 405
    return -0.5 * (142 - expected) ** 2 / variance - 0.5 * log(2 * pi * variance)


def poisson(counts, mu, signal, prompt, steady):
    """Log-likelihood of the 12 coincidence counts; `steady` scales the anticoincidence counts bin by bin."""
    rows = table("experiments/coherent-csi-2017/spectrum.csv")
    observed, control, neutrons = (
        np.array([float(r[k]) for r in rows]) for k in ("coincidence", "anticoincidence", "prompt_neutron")
    )
    expected = signal * (counts[0] + mu**2 * counts[1]) + prompt * neutrons + np.asarray(steady) * control
    constant = sum(lgamma(n + 1) for n in observed)
    return float(np.sum(observed * np.log(expected) - expected) - constant), expected, observed
