"""Each bad declaration is a shipped one but for one edit; each gives one clear message and nothing else."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import bayesnu as bn
from bayesnu import catalog
from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood.checking import check

CSI = "data/experiments/coherent-csi-2017/experiment.toml"
SPECTRUM = "data/experiments/coherent-csi-2017/spectrum.csv"
FLUX = "data/fluxes/pion-decay-at-rest.toml"
ISOTOPES = "data/nuclei/isotopes.csv"
NUCLEI = "data/nuclei/isotopes.toml"
NUMBERS = "data/published/tmm2019.csv"
PUBLISHED = "data/published/tmm2019.toml"
PAPER = "models/papers/tmm2019.toml"
SM = "models/coherent-csi-sm.toml"
EFFECTIVE = "models/coherent-csi-effective.toml"
LOG = "models/coherent-csi-effective-log.toml"
SQUARE = "models/coherent-csi-effective-square.toml"
FULL = "models/coherent-csi-full.toml"
PROMPT = "models/coherent-csi-prompt.toml"
TMM = "models/coherent-csi-tmm.toml"
BINNED = "models/coherent-csi-spectrum-sm.toml"

ARGON = "data/experiments/coherent-lar-2020/experiment.toml"
ARGON_ENERGY = "data/experiments/coherent-lar-2020/energy.csv"
ARGON_EFFICIENCY = "data/experiments/coherent-lar-2020/efficiency.csv"
PE_TIME = "data/experiments/coherent-csi-2017/pe-time.csv"
TON = "data/experiments/cenns-750/experiment.toml"
LAR, TIMED, CENNS = "sterile2021-lar-sm", "coherent-csi-pe-time-sm", "cenns-750-sm"

DECLARED_BY = {
    ARGON_ENERGY: ARGON,
    ARGON_EFFICIENCY: ARGON,
    PE_TIME: CSI,
    SPECTRUM: CSI,
    ISOTOPES: NUCLEI,
    NUMBERS: PUBLISHED,
}
MU = 'prior = { kind = "uniform", low = 0.0, high = 200.0 }'
ONE = 'experiments = ["coherent-csi-2017"]\ninter'
SCALES = 'scales = { experiments = ["coherent-csi-2017"] }'
BINNED_MODEL = "coherent-csi-spectrum"


class Fault(NamedTuple):
    """One edit of one shipped file, and the problem that it must give."""

    cause: str
    file: str
    old: str
    new: str
    field: str
    found: str
    """What the message must say that it found."""
    model: str = "coherent-csi-effective"
    at: str = ""
    """The file that the message names, where it is not the edited one."""


FAULTS = [
    # --- files ---
    Fault("TOML syntax", EFFECTIVE, "unit = ", "unit == ", "line 6", "1e-10 mu_B"),
    Fault("key given twice", EFFECTIVE, "latex = ", 'unit = "mu_B"\nlatex = ', "line 8", 'unit = "mu_B"'),
    Fault("table given twice", CSI, "[observable]", "[counts]\nbins = []\n[observable]", "line 35", "[counts]"),
    Fault("number without end", CSI, "revision = 1", f"revision = {'9' * 5000}", "", "4300"),
    # --- keys ---
    Fault("unknown key", CSI, "revision = 1", "revision = 1\nrevison = 2", "revison", "'revison'"),
    Fault("unknown key", CSI, "slope = 0.4942", "slope = 0.4942\nslop = 1.0", "detector.efficiency.slop", "'slop'"),
    Fault("unknown key", EFFECTIVE, "latex = ", "tex = ", "parameters.mu_nu.tex", "'tex'"),
    Fault("unknown key", SM, "sd = 0.28", "sd = 0.28, width = 1.0", "nuisances.signal.prior.width", "'width'"),
    Fault("unknown key", FLUX, 'shape = "michel-muon"', 'shape = "michel-muon"\nenergy = 5.0',
          "components.nubar_mu.energy", "'energy'"),
    Fault("unknown key", PUBLISHED, "title = ", 'tables = 3\ntitle = ', "tables", "'tables'", "coherent-csi-full"),
    Fault("unknown key", PAPER, "[readings.csi-window]\n", "[readings.csi-window]\nproof = 1\n",
          "readings.csi-window.proof", "'proof'"),
    Fault("unknown key", PAPER, '"counts.bins" =', '"counts.bin" =',
          "readings.csi-window.overlay.counts.bin", "'bin'"),
    Fault("overlay of no table", CSI, '"detector.response" =', '"detectr.response" =',
          "variants.spectrum.detectr.response", "'detectr'", BINNED_MODEL),
    Fault("missing key", CSI, "baseline_m = 19.3\n", "", "fluence.baseline_m", "'baseline_m'"),
    Fault("missing key", EFFECTIVE, 'unit = "1e-10 mu_B"\n', "", "parameters.mu_nu.unit", "'unit'"),
    Fault("missing key", SM, 'rho = 1.0082\n', "", "couplings.rho", "'rho'"),
    Fault("missing kind", EFFECTIVE, 'kind = "uniform", ', "", "parameters.mu_nu.prior.kind", "'kind'"),
    Fault("unknown kind", EFFECTIVE, '"uniform"', '"unifrom"', "parameters.mu_nu.prior.kind", "'unifrom'"),
    Fault("unknown kind", CSI, 'kind = "sigmoid"', 'kind = "sigmod"', "detector.efficiency.kind", "'sigmod'"),
    Fault("unknown choice", FLUX, 'flavour = "nu_mu"', 'flavour = "nu_mew"', "components.nu_mu.flavour", "'nu_mew'"),
    # --- types ---
    Fault("wrong type", CSI, "baseline_m = 19.3", 'baseline_m = "19.3"', "fluence.baseline_m", "'19.3'"),
    Fault("wrong type", CSI, "revision = 1", "revision = 1.5", "revision", "1.5"),
    Fault("wrong type", CSI, "mass_kg = 14.57", "mass_kg = true", "detector.target.mass_kg", "True"),
    Fault("wrong type", CSI, "mass_kg = 14.57", "mass_kg = 2017-08-03", "detector.target.mass_kg", "2017-08-03"),
    Fault("wrong type", SM, "axial = true", "axial = 1", "axial", "1, a whole number"),
    Fault("wrong type", SM, 'interaction = ["sm"]', 'interaction = "sm"', "interaction", "'sm'", "coherent-csi-sm"),
    Fault("wrong type", SM, 'kind = "normal", mean = 1.0, sd = 0.28', 'kind = "normal", mean = 1.0, sd = "28 %"',
          "nuisances.signal.prior.sd", "'28 %'"),
    Fault("wrong type", EFFECTIVE, MU, 'prior = "flat"', "parameters.mu_nu.prior", "'flat'"),
    # --- numbers ---
    Fault("not a number", CSI, "mass_kg = 14.57", "mass_kg = nan", "detector.target.mass_kg", "nan"),
    Fault("infinite", EFFECTIVE, "high = 200.0", "high = inf", "parameters.mu_nu.prior.high", "inf"),
    Fault("infinite", CSI, "observed = [142.0]", "observed = [1e999]", "counts.observed[0]", "inf"),
    Fault("not positive", CSI, "mass_kg = 14.57", "mass_kg = -14.57", "detector.target.mass_kg", "-14.57"),
    Fault("not positive", CSI, "baseline_m = 19.3", "baseline_m = 0", "fluence.baseline_m", "0"),
    Fault("not positive", FLUX, "energy_mev = 29.9", "energy_mev = -1.0", "components.nu_mu.energy_mev", "-1"),
    Fault("efficiency above one", CSI, "plateau = 0.6655", "plateau = 66.55", "detector.efficiency.plateau", "66.55"),
    Fault("efficiency above one", CSI, "[6.0, 1.0]]", "[6.0, 1.5]]", "detector.efficiency.steps[1]", "1.5"),
    Fault("steps not sorted", CSI, "[6.0, 1.0]]", "[4.0, 1.0]]", "detector.efficiency.steps[1]", "4"),
    # --- counts ---
    Fault("bins not increasing", SPECTRUM, "8,10,62", "10,8,62", "row[1]", "[10, 8]", BINNED_MODEL),
    Fault("bins not increasing", PAPER, "[[5.0, 30.0]]", "[[30.0, 5.0]]",
          "readings.csi-window.overlay.counts.bins[0]", "[30, 5]"),
    Fault("bins overlap", SPECTRUM, "8,10,62", "7,10,62", "row[1]", "[7, 10]", BINNED_MODEL),
    Fault("bins below zero", PAPER, "[[5.0, 30.0]]", "[[-5.0, 30.0]]",
          "readings.csi-window.overlay.counts.bins[0]", "[-5, 30]"),
    Fault("counts of another length", CSI, "[142.0]", "[142.0, 1.0]", "counts.observed", "2 numbers"),
    Fault("negative counts", CSI, "counts = [6.0]", "counts = [-6.0]", "backgrounds.prompt-neutron.counts[0]", "-6"),
    Fault("fractional Poisson counts", SPECTRUM, "8,10,62,", "8,10,62.5,", "column coincidence[1]", "62.5",
          BINNED_MODEL),
    Fault("variance of the unknown", CSI, "steady-state = 2.0", "steady-stat = 2.0",
          "statistic.variance.steady-stat", "'steady-stat'"),
    Fault("variance not positive", CSI, "observed = 1.0, prompt", "observed = -9.0, prompt", "statistic.variance",
          "-462"),
    Fault("counts and a file", CSI, 'counts = { file', 'counts = { bins = [[6.0, 8.0]], file',
          "variants.spectrum.counts", "'spectrum.csv'", BINNED_MODEL),
    Fault("background without counts", CSI, "counts = [6.0]", "counts = []", "backgrounds.prompt-neutron", "neither"),
    # --- errors, units and shares ---
    Fault("sd not positive", ARGON_ENERGY, "37.4061988747", "-37.4", "column sd[0]", "-37.4", LAR),
    Fault("sd of another length", TON, "variance = { observed = 1.0 }", "sd = [1.0, 2.0]", "statistic.sd", "asimov",
          CENNS),
    Fault("sd of another length", CSI, "variance = { observed = 1.0, prompt-neutron = 1.0, steady-state = 2.0 }",
          "sd = [30.0, 2.0]", "statistic.sd", "2 numbers"),
    Fault("sd beside weights", ARGON, 'sd_column = "sd"', 'sd_column = "sd"\nvariance = { observed = 1.0 }',
          "statistic.sd_column", "variance beside sd_column", LAR),
    Fault("sd column without a file", CSI, "variance = { observed = 1.0, prompt-neutron = 1.0, steady-state = 2.0 }",
          'sd_column = "sd"', "statistic.sd_column", "'sd'"),
    Fault("sd column that is not there", ARGON, 'sd_column = "sd"', 'sd_column = "ds"', "column ds", "sd", LAR,
          ARGON_ENERGY),
    Fault("relative to an expectation without errors", CSI, "observed = [142.0]",
          "observed = [1.0]\nrelative_to = { sin2_theta_w = 0.2387 }", "counts.relative_to",
          "without errors of their own"),
    Fault("relative to a projection", TON, "asimov = true",
          "asimov = true\nrelative_to = { sin2_theta_w = 0.2387 }", "counts.relative_to", "beside asimov", CENNS),
    Fault("weight of what was subtracted", TON, "variance = { observed = 1.0 }",
          "variance = { observed = 1.0, steady-state = 1.0 }", "statistic.variance.steady-state", "'steady-state'",
          CENNS),
    Fault("share above one", CSI, "nubar_mu = { value = 0.914785301905 }", "nubar_mu = { value = 1.2 }",
          "variants.sterile2021.shares.nubar_mu.value", "1.2", "sterile2021-csi-sm"),
    Fault("one share in many rows", CSI, 'nu_mu = { column = "prompt" }', "nu_mu = { value = 0.5 }",
          "variants.pe-time.shares.nu_mu.value", "6 in all of [6, 8]", TIMED),
    Fault("share of no flux", CSI, "nubar_mu = { value = 0.914785301905 }", "nubar_nu = { value = 0.9 }",
          "variants.sterile2021.shares.nubar_nu", "'nubar_nu'", "sterile2021-csi-sm"),
    Fault("share twice", CSI, 'nu_mu = { column = "prompt" }', 'nu_mu = { column = "prompt", value = 0.5 }',
          "variants.pe-time.shares.nu_mu", "0.5 and the column 'prompt'", TIMED),
    Fault("share left out", CSI, 'nu_mu = { column = "prompt" }, ', "", "variants.pe-time.shares.nu_mu",
          "no share of 'nu_mu'", TIMED),
    Fault("shares above one in all", PE_TIME, "6,8,0,0.5,3,1,3.33827160494,0.0212132189055,0.06481422849,",
          "6,8,0,0.5,3,1,3.33827160494,0.0212132189055,0.5,", "column prompt", "1.43519 in all of [6, 8]", TIMED),
    Fault("range that returns", PE_TIME, "28,30,5.5,6,", "6,8,5.5,6,", "row[143]", "[6, 8]", TIMED),
    # --- responses and tables of efficiencies ---
    Fault("quenching without a start", ARGON, "quenching = [0.246, 0.78]", "quenching = [0.0, 0.78]",
          "detector.response.quenching", "0 first", LAR),
    Fault("quenching of electrons", ARGON, "mass_kg = 24.4", 'mass_kg = 24.4\nscatterer = "free-electrons"',
          "detector.response.quenching", "[0.246, 0.78] for electrons", LAR),
    Fault("resolution of no width", ARGON, "sqrt_kev = 0.58", "sqrt_kev = 0.0", "detector.response", "zero width", LAR),
    Fault("resolution below zero", ARGON, "linear = 0.0", "linear = -0.1", "detector.response.linear", "-0.1", LAR),
    Fault("sigmoid of the reconstructed energy", ARGON, 'kind = "table"\nfile = "efficiency.csv"',
          'kind = "sigmoid"\nplateau = 0.9\nslope = 1.0\nmidpoint = 2.0', "detector.efficiency.kind", "a sigmoid", LAR),
    Fault("efficiency without a source", ARGON, 'file = "efficiency.csv"', 'file = "efficiencies.csv"',
          "detector.efficiency.file", "'efficiencies.csv'", LAR),
    Fault("efficiency given twice", ARGON, 'file = "efficiency.csv"', 'file = "efficiency.csv"\npoints = [[1.0, 0.5]]',
          "detector.efficiency.points", "1 points", LAR),
    Fault("efficiency above one", ARGON_EFFICIENCY, "1.25,0.031002", "1.25,3.1", "line 4, column efficiency", "3.1",
          LAR),
    Fault("efficiency not sorted", ARGON_EFFICIENCY, "1.25,0.031002", "0.5,0.031002", "line 4, column value",
          "0.5 after 0.75", LAR),
    # --- tables ---
    Fault("missing CSV", CSI, '"spectrum.csv" = "79', '"spektrum.csv" = "79',
          "sources.release2018.files.spektrum.csv", "'spektrum.csv'"),
    Fault("wrong hash", CSI, '"79baaa2ab', '"00baaa2ab', "sources.release2018.files.spectrum.csv", "00baaa2ab"),
    Fault("CSV without a source", CSI, 'file = "spectrum.csv"', 'file = "other.csv"',
          "variants.spectrum.counts.file", "'other.csv'", BINNED_MODEL),
    Fault("CSV without a column", SPECTRUM, ",coincidence,", ",coincidences,", "column coincidence", "coincidences",
          BINNED_MODEL),
    Fault("CSV cell not a number", SPECTRUM, "8,10,62,", "8,10,sixty,", "line 3, column coincidence", "'sixty'",
          BINNED_MODEL),
    Fault("CSV cell not a number", SPECTRUM, "8,10,62,", "8,10,,", "line 3, column coincidence", "''",
          BINNED_MODEL),
    Fault("CSV cell not a number", SPECTRUM, "8,10,62,", "8,10,nan,", "line 3, column coincidence", "'nan'",
          BINNED_MODEL),
    Fault("CSV cell not a number", ISOTOPES, "C,6,12,12.000000000", "C,6,12,heavy", "line 2, column mass_u", "'heavy'"),
    Fault("CSV row too short", SPECTRUM, "8,10,62,51,", "8,10,62,", "line 3", "4 cells", BINNED_MODEL),
    Fault("CSV row too long", SPECTRUM, "8,10,62,51,", "8,10,62,51,51,", "line 3", "6 cells", BINNED_MODEL),
    Fault("CSV column twice", SPECTRUM, "low,high,", "low,low,", "column low", "'low' 2 times", BINNED_MODEL),
    Fault("whole number wanted", ISOTOPES, "C,6,12,12.0", "C,6.5,12,12.0", "line 2, column charge", "'6.5'"),
    Fault("negative isotope mass", ISOTOPES, "C,6,12,12.0", "C,6,12,-12.0", "12C.mass_u", "-12"),
    Fault("abundances", ISOTOPES, ",0.9894,", ",0.8894,", "C.abundance", "0.9"),
    Fault("abundances", ISOTOPES, ",0.9894,", ",nan,", "line 2, column abundance", "'nan'"),
    # --- sources ---
    Fault("nothing to look up", SM, 'arxiv = "hep-ph/0508299"\n', "", "sources.couplings", "'couplings'"),
    Fault("field without a source", CSI, 'covers = ["statistic"]', "covers = []", "statistic", "'statistic'"),
    Fault("field without a source", FLUX, 'covers = ["components"]', "covers = []", "components", "'components'"),
    Fault("covers no field", CSI, 'covers = ["statistic"]', 'covers = ["statistic", "statistics"]',
          "sources.tmm2019.covers[1]", "'statistics'"),
    Fault("unknown status", CSI, 'status = "released"', 'status = "guessed"', "sources.release2018.status",
          "'guessed'"),
    # --- names ---
    Fault("unknown flux", CSI, 'flux = "pion-decay-at-rest"', 'flux = "pion-decay-at-res"', "flux",
          "'pion-decay-at-res'"),
    Fault("unknown experiment", SM, ONE, 'experiments = ["coherent-cs-2017"]\ninter',
          "experiments[0]", "'coherent-cs-2017'"),
    Fault("unknown interaction", EFFECTIVE, '"magnetic-moment"]', '"magnetic-momentum"]', "interaction[1]",
          "'magnetic-momentum'"),
    Fault("unknown reading", SM, '"tmm2019/csi-window"', '"tmm2019/csi-windows"', "readings[0]",
          "'tmm2019/csi-windows'"),
    Fault("unknown paper", SM, '"tmm2019/csi-window"', '"tmm2018/csi-window"', "readings[0]", "'tmm2018'"),
    Fault("unknown base", EFFECTIVE, 'extends = "coherent-csi-sm"', 'extends = "coherent-csi-ms"', "extends",
          "'coherent-csi-ms'"),
    Fault("base that is no name", EFFECTIVE, 'extends = "coherent-csi-sm"', "extends = 3", "extends", "3"),
    Fault("extends in a circle", SM, "title = ", 'extends = "coherent-csi-effective"\ntitle = ', "extends",
          "'coherent-csi-effective'"),
    Fault("unknown isotope", CSI, "formula = { Cs = 1, I = 1 }", "formula = { Cz = 1, I = 1 }",
          "detector.target.formula.Cz", "'Cz'"),
    Fault("unknown published cell", FULL, 'column = "|Lambda_1|"', 'column = "|Lambda_4|"', "published[0].column",
          "'|Lambda_4|'", "coherent-csi-full"),
    Fault("unknown published paper", FULL, 'paper = "tmm2019"', 'paper = "tmm2018"', "published[0].paper",
          "'tmm2018'", "coherent-csi-full"),
    Fault("published for no parameter", FULL, 'parameter = "lambda_1"', 'parameter = "lambda_0"',
          "published[0].parameter", "'lambda_0'", "coherent-csi-full"),
    # --- how to predict ---
    Fault("detector and templates", CSI, "revision = 1", 'revision = 1\ntemplates = "t.csv"', "templates",
          "fluence and detector and templates"),
    Fault("knob of nothing", CSI, '"response.per_kev"', '"response.per_kve"',
          "variants.spectrum.knobs.light-yield.bends",
          "'response.per_kve'", BINNED_MODEL),
    Fault("knob away from its number", CSI, "low = 0.70, high = 1.70", "low = 1.20, high = 1.70",
          "variants.spectrum.knobs.light-yield", "[1.2, 1.7]", BINNED_MODEL),
    # --- priors ---
    Fault("low above high", EFFECTIVE, "low = 0.0, high = 200.0", "low = 200.0, high = 0.0", "parameters.mu_nu.prior",
          "[200, 0]"),
    Fault("log-uniform from zero", LOG, "low = 1.0", "low = 0.0", "parameters.mu_nu.prior.low", "0",
          "coherent-csi-effective-log"),
    Fault("square-uniform below zero", SQUARE, "low = 0.0", "low = -1.0", "parameters.mu_nu.prior.low", "-1",
          "coherent-csi-effective-square"),
    Fault("negative width", SM, "sd = 0.28", "sd = -0.28", "nuisances.signal.prior.sd", "-0.28"),
    Fault("mean outside its range", TMM, "mean = 0.320", "mean = 0.820", "nuisances.sin2_theta_12.prior.mean", "0.82",
          "coherent-csi-tmm"),
    Fault("support of a modulus", EFFECTIVE, "low = 0.0", "low = -5.0", "parameters.mu_nu.prior", "[-5, 200]"),
    Fault("support of a sine", TMM, "low = 0.1, high = 0.6", "low = 0.1, high = 1.6", "nuisances.sin2_theta_12.prior",
          "[0.1, 1.6]", "coherent-csi-tmm"),
    Fault("circular in degrees", "models/coherent-csi-full.toml",
          '[parameters.zeta_2]\nunit = "rad"', '[parameters.zeta_2]\nunit = "deg"', "parameters.zeta_2.unit", "deg",
          "coherent-csi-full"),
    Fault("haar modulus", EFFECTIVE, MU, 'prior = { kind = "haar", apart = 1 }', "parameters.mu_nu.prior",
          "haar prior"),
    Fault("haar of other states", "models/coherent-csi-tmm.toml",
          'prior = { kind = "truncated-normal", mean = 0.0216, sd = 0.00076, low = 0.01, high = 0.04 }',
          'prior = { kind = "haar", apart = 1 }', "nuisances.sin2_theta_13.prior.apart", "1",
          "coherent-csi-tmm"),
    Fault("circular modulus", EFFECTIVE, MU, 'prior = { kind = "circular" }', "parameters.mu_nu.prior", "circular"),
    Fault("value of a sine", FULL, "sin2_theta_13 = { value = 0.0216", "sin2_theta_13 = { value = 2.16",
          "fixed.sin2_theta_13.value", "2.16", "coherent-csi-full"),
    Fault("parameter without prior", EFFECTIVE, MU + "\n", "", "parameters.mu_nu.prior", "'mu_nu'"),
    Fault("unknown unit", EFFECTIVE, '"1e-10 mu_B"', '"1e-10 muB"', "parameters.mu_nu.unit", "'1e-10 muB'"),
    Fault("unknown unit", FULL, 'value = 0.0, unit = "rad"', 'value = 0.0, unit = "radian"', "fixed.delta_cp.unit",
          "'radian'", "coherent-csi-full"),
    # --- names in their roles ---
    Fault("used, not declared", EFFECTIVE, "[parameters.mu_nu]", "[parameters.mu_mu]", "parameters.mu_nu", "'mu_nu'"),
    Fault("declared, not used", EFFECTIVE, 'interaction = ["sm", "magnetic-moment"]', 'interaction = ["sm"]',
          "parameters.mu_nu", "'mu_nu'"),
    Fault("one name in two tables", EFFECTIVE, "[parameters.mu_nu]",
          '[fixed.mu_nu]\nvalue = 1.0\nunit = "mu_B"\n[parameters.mu_nu]',
          "fixed.mu_nu", "'mu_nu'"),
    Fault("experiment twice", SM, ONE,
          'experiments = ["coherent-csi-2017", "coherent-csi-2017"]\ninter', "experiments", "coherent-csi-2017, "),
    Fault("no experiment", SM, ONE, "experiments = []\ninter", "experiments",
          "empty"),
    Fault("one data set, two likelihoods", BINNED, 'experiments = ["coherent-csi-2017-spectrum"]\nread',
          'experiments = ["coherent-csi-2017", "coherent-csi-2017-spectrum"]\nread', "experiments",
          "coherent-csi-2017 and coherent-csi-2017-spectrum", BINNED_MODEL),
    # --- nuisances ---
    Fault("unknown knob", BINNED, 'knob = "light-yield"', 'knob = "light-yeld"', "nuisances.light_yield.knob",
          "'light-yeld'", BINNED_MODEL),
    Fault("prior outside the knob", BINNED, "low = 0.7, high = 1.7", "low = 0.5, high = 1.7",
          "nuisances.light_yield.prior", "[0.5, 1.7]", BINNED_MODEL),
    Fault("scale below zero", BINNED, '"truncated-normal", mean = 1.0, sd = 0.122, low = 0.3, high = 1.7',
          '"normal", mean = 1.0, sd = 0.122', "nuisances.signal.prior", "[-inf, inf]", BINNED_MODEL),
    Fault("scales the unknown", SM, SCALES,
          'scales = { experiments = ["coherent-csi"] }', "nuisances.signal.scales.experiments[0]", "'coherent-csi'"),
    Fault("scales the unknown", SM, SCALES, 'scales = { fluxes = ["nu_tau"] }',
          "nuisances.signal.scales.fluxes[0]", "'nu_tau'"),
    Fault("scales the unknown", SM, SCALES, 'scales = { terms = ["axion"] }',
          "nuisances.signal.scales.terms[0]", "'axion'"),
    Fault("scales the unknown", SM, 'backgrounds = ["prompt-neutron"]', 'backgrounds = ["prompt-neutrons"]',
          "nuisances.prompt_neutrons.scales.backgrounds[0]", "'prompt-neutrons'"),
    Fault("scales the unknown", SM, 'backgrounds = ["prompt-neutron"]', 'backgrounds = ["prompt-neutron"], bins = [7]',
          "nuisances.prompt_neutrons.scales.bins[0]", "bin 7"),
    Fault("circular scale", SM, 'prior = { kind = "normal", mean = 1.0, sd = 0.28 }', 'prior = { kind = "circular" }',
          "nuisances.signal.prior", "circular"),
    Fault("control of no background", BINNED, 'backgrounds = ["steady-state"]', 'backgrounds = ["steady"]',
          "nuisances.steady_state.scales.backgrounds", "none", BINNED_MODEL),
    Fault("control without counts", SPECTRUM, "8,10,62,51,", "8,10,62,0,", "nuisances.steady_state.prior", "bin 1",
          BINNED_MODEL, BINNED),
    Fault("control of a whole", BINNED, "per_bin = true\n", "", "nuisances.steady_state.prior", "control-counts",
          BINNED_MODEL),
    # --- restrictions ---
    Fault("restricted to the unknown", PROMPT, '["nu_mu"]', '["nu_muon"]', "restrict.tmm[0]", "'nu_muon'",
          "coherent-csi-prompt"),
    Fault("restricted unknown", PROMPT, "{ tmm =", "{ tnm =", "restrict.tnm", "'tnm'", "coherent-csi-prompt"),
]  # fmt: skip


@pytest.fixture
def root(repository: Path, tmp_path: Path) -> Path:
    for part in ("data", "models"):
        shutil.copytree(repository / part, tmp_path / part, copy_function=shutil.copyfile)
    return tmp_path


def edited(root: Path, file: str, old: str, new: str) -> Path:
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if file in DECLARED_BY:
        assert catalog.write_hashes(root / DECLARED_BY[file]) == 1
    return path


def problems_of(action: Callable[[], object]) -> tuple[Problem, ...]:
    with pytest.raises(DeclarationError) as caught:
        action()
    assert caught.value.problems
    return caught.value.problems


def the_one(problems: tuple[Problem, ...] | list[Problem], field: str) -> Problem:
    chosen = [problem for problem in problems if problem.field == field]
    assert len(chosen) == 1, f"{field}: {problems}"
    return chosen[0]


def names() -> Iterator[str]:
    for fault in FAULTS:
        yield f"{fault.cause}-{fault.field}".replace(" ", "_")


@pytest.mark.parametrize("fault", FAULTS, ids=names())
def test_a_bad_declaration_is_named(root: Path, fault: Fault) -> None:
    edited(root, fault.file, fault.old, fault.new)
    problem = the_one(problems_of(lambda: bn.load(fault.model, root=root)), fault.field)
    assert fault.found in problem.found
    assert problem.expected
    assert problem.hint
    refers = root / "models" / f"{fault.model}.toml"
    allowed = {str(root / (fault.at or fault.file))}
    # What interactions and parameters have to do with each other is said of the model that was asked for.
    assert problem.file in allowed | {str(refers)}, problem


@pytest.mark.parametrize("fault", FAULTS, ids=names())
def test_check_finds_it_too(root: Path, fault: Fault) -> None:
    file = edited(root, fault.file, fault.old, fault.new)
    declaration = root / DECLARED_BY.get(fault.file, fault.file)
    asked = root / (fault.at or declaration.relative_to(root))
    if fault.cause in {"wrong hash", "missing CSV"}:
        assert file == declaration
    found = [p for p in check([asked, root / "models" / f"{fault.model}.toml"], root=root) if p.field == fault.field]
    # What lies in a parent is wrong in the light of each child and each variant: one problem of each may remain.
    assert 1 <= len(found) <= 3, found
    assert any(fault.found in p.found and p.file in {str(asked), str(file)} for p in found), found


def test_there_are_enough_causes() -> None:
    assert len(FAULTS) >= 30
    assert len({fault.cause for fault in FAULTS}) >= 60


def test_no_fault_is_there_without_the_edit(root: Path) -> None:
    for model in sorted({fault.model for fault in FAULTS}):
        bn.load(model, root=root)


# --- hints ------------------------------------------------------------------------------------------------------------

HINTS = [
    (EFFECTIVE, '"uniform"', '"unifrom"', "'uniform'", "log-uniform"),
    (CSI, "slope = ", "slop = ", "'slope'", "midpoint"),
    (CSI, 'flux = "pion-decay-at-rest"', 'flux = "pion-decay"', "'pion-decay-at-rest'", "pion-decay-at-rest"),
    (EFFECTIVE, "[parameters.mu_nu]", "[parameters.mu_mu]", "'mu_nu'", "mu_nu"),
    (SM, '"tmm2019/csi-window"', '"tmm2019/csi-windov"', "'tmm2019/csi-window'", "tmm2019/kinematic-line"),
    (EFFECTIVE, '"magnetic-moment"]', '"magnetic-momen"]', "'magnetic-moment'", "tmm"),
    (CSI, "baseline_m = 19.3", 'baseline_m = "19.3"', "without quotes", "a number"),
]


@pytest.mark.parametrize(("file", "old", "new", "hint", "expected"), HINTS)
def test_the_nearest_name_is_suggested(root: Path, file: str, old: str, new: str, hint: str, expected: str) -> None:
    edited(root, file, old, new)
    found = problems_of(lambda: bn.load("coherent-csi-effective", root=root))
    assert any(hint in problem.hint and expected in problem.expected for problem in found), found


def test_a_problem_of_a_parent_is_said_of_the_parent(root: Path) -> None:
    file = edited(root, SM, "kappa = 0.9972", 'kappa = "one"')
    problem = the_one(problems_of(lambda: bn.load("coherent-csi-effective-log", root=root)), "couplings.kappa")
    assert problem.file == str(file)


# --- beyond one file --------------------------------------------------------------------------------------------------


def test_one_name_with_two_priors(root: Path) -> None:
    first = bn.load("coherent-csi-effective", root=root)
    edited(root, EFFECTIVE, "high = 200.0", "high = 123.0")
    second = bn.load("coherent-csi-effective", root=root)
    problem = the_one(problems_of(lambda: first + second), "parameters.mu_nu")
    assert "123" in problem.found
    assert "200" in problem.expected


def test_two_likelihoods_of_one_data_set() -> None:
    a, b = bn.load("coherent-csi-effective"), bn.load("coherent-csi-effective")
    problem = the_one(problems_of(lambda: a + b), "experiments")
    assert "coherent-csi-2017" in problem.found


def test_an_unknown_model_suggests_a_known_one() -> None:
    problem = the_one(problems_of(lambda: bn.load("coherent-csi-efective")), "model")
    assert problem.found == "'coherent-csi-efective'"
    assert "'coherent-csi-effective'" in problem.hint


def test_a_model_file_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: bn.load(tmp_path / "mine.toml"))
    assert problem.file == str(tmp_path / "mine.toml")
    assert "'mine.toml'" in problem.found


def test_a_missing_folder_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAYESNU_DATA", str(tmp_path / "nowhere"))
    (problem,) = problems_of(catalog.open_catalog)
    assert problem.field == "BAYESNU_DATA"
    assert "nowhere" in problem.found
    assert check() == [problem]


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: catalog.open_catalog(tmp_path / "nowhere"))
    assert problem.field == "root"


def test_a_missing_csv(root: Path) -> None:
    (root / SPECTRUM).unlink()
    (problem,) = problems_of(lambda: bn.load("coherent-csi-spectrum", root=root))
    assert problem.field == "sources.release2018.files.spectrum.csv"
    assert "'spectrum.csv'" in problem.found


def test_an_experiment_without_sources(root: Path) -> None:
    path = root / CSI
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("[sources.")] + "[sources]\n", encoding="utf-8")
    problem = the_one(problems_of(lambda: bn.load("coherent-csi-effective", root=root)), "sources")
    assert "no source" in problem.found


@pytest.mark.parametrize("content", [b"", b"low,high\n", b"\xff\xfe", b'low,high\n"1'])
def test_a_csv_that_is_none(root: Path, content: bytes) -> None:
    (root / SPECTRUM).write_bytes(content)
    catalog.write_hashes(root / CSI)
    found = problems_of(lambda: bn.load("coherent-csi-spectrum", root=root))
    assert {problem.file for problem in found} == {str(root / SPECTRUM)}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x = " + b"[" * 5000, b"\x00", b"= 3"])
def test_a_toml_that_is_none(root: Path, content: bytes) -> None:
    (root / SM).write_bytes(content)
    found = problems_of(lambda: bn.load("coherent-csi-sm", root=root))
    assert {problem.file for problem in found} == {str(root / SM)}


# --- check ------------------------------------------------------------------------------------------------------------


def test_check_sees_what_readings_replace(root: Path) -> None:
    file = edited(root, CSI, "bins = [[6.0, 30.0]]", "bins = [[6.0, 30.0, 40.0]]")
    problem = the_one(check(root=root), "counts.bins[0]")
    assert problem.file == str(file)
    assert "40" in problem.found


def test_check_collects_the_problems_of_every_variant_once(root: Path) -> None:
    edited(root, CSI, "baseline_m = 19.3", "baseline_m = 0")
    edited(root, CSI, "low = 0.70, high = 1.70", "low = 1.20, high = 1.70")
    found = check(root=root)
    assert {p.field for p in found} == {"fluence.baseline_m", "variants.spectrum.knobs.light-yield"}
    assert len(found) == 2


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('standard_model = "coherent-csi-sm"', 'standard_model = "coherent-csi"', "standard_model"),
        ('model = "coherent-csi-spectrum-sm"\nevents', 'model = "csi"\nevents', "checks[1].model"),
        ('standard_model = "coherent-csi-spectrum-sm"', 'standard_model = "sm"', "variants.spectrum.standard_model"),
    ],
)
def test_check_looks_up_the_models_of_an_experiment(root: Path, old: str, new: str, field: str) -> None:
    file = edited(root, CSI, old, new)
    assert the_one(check([file], root=root), field).file == str(file)


@pytest.mark.parametrize("target", ["experiments/coherent-csi", "fluxes/pion", "models/coherent-csi-sm", ""])
def test_check_looks_up_what_a_reading_applies_to(root: Path, target: str) -> None:
    file = edited(root, PAPER, '"experiments/coherent-csi-2017"', f'"{target}"')
    assert the_one(check([file], root=root), "readings.csi-window.applies_to").file == str(file)


def test_check_of_an_experiment_that_lies_anywhere(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(repository / Path(CSI).parent, folder)
    assert check([folder / "experiment.toml"]) == []
    (folder / "experiment.toml").rename(folder / "other.toml")
    assert check([folder / "other.toml"]) == []
    edited(folder, "other.toml", "mass_kg = 14.57", "mass_kg = -1.0")
    assert [p.field for p in check([folder / "other.toml"])] == ["detector.target.mass_kg"]


def test_check_of_a_model_that_lies_anywhere(repository: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    shutil.copyfile(repository / EFFECTIVE, file)
    assert check([file]) == []
    edited(tmp_path, "mine.toml", '"1e-10 mu_B"', '"eV"')
    assert [(p.file, p.field) for p in check([file])] == [(str(file), "parameters.mu_nu.unit")]


@pytest.mark.parametrize("name", ["notes.txt", "spectrum.csv", "unknown.toml", "empty.toml", "absent.toml", "."])
def test_what_is_no_declaration_is_a_problem(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "spectrum.csv").write_text("low,high\n1,2\n")
    (tmp_path / "unknown.toml").write_text('colour = "blue"\n')
    (tmp_path / "empty.toml").write_text("")
    (problem,) = check([tmp_path / name])
    assert problem.file == str(tmp_path / name)
    assert problem.found
    assert problem.hint


def test_a_window_at_zero_energy_is_a_problem(root: Path) -> None:
    edited(root, PAPER, "[[5.0, 30.0]]", "[[0.0, 30.0]]")
    edited(root, CSI, "steps = [[5.0, 0.5], [6.0, 1.0]]\n", "")
    (problem,) = check([root / EFFECTIVE], root=root)
    assert "zero recoil energy" in problem.found
