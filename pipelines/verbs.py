"""Which pipelines there are and what each verb of them calls; nothing heavy is imported until it is called."""

from typing import NamedTuple


class Verb(NamedTuple):
    """A verb of a pipeline: the dataclass of its options and the function that takes them and gives an exit code."""

    text: str
    options_module: str
    options: str
    module: str
    function: str
    cases: tuple[str, ...] = ()


def _load(text: str, options: str, function: str, cases: tuple[str, ...] = ()) -> Verb:
    return Verb(text, ".load_forecast_options", options, ".load_forecast_command", function, cases)


def _many(text: str, options: str, function: str) -> Verb:
    return Verb(text, ".many_loads_options", options, ".many_loads_command", function)


def _year(text: str, options: str, function: str) -> Verb:
    return Verb(text, ".year_load_options", options, ".year_load_command", function)


def _nilm(text: str, options: str, function: str, cases: tuple[str, ...] = ()) -> Verb:
    return Verb(text, ".nilm_options", options, ".nilm_command", function, cases)


def _ode(text: str, options: str, function: str, cases: tuple[str, ...] = ()) -> Verb:
    return Verb(text, ".symbolic_ode_options", options, ".symbolic_ode_command", function, cases)


def _potential(text: str, options: str, function: str, cases: tuple[str, ...] = ()) -> Verb:
    return Verb(text, ".potential_options", options, ".potential_command", function, cases)


CASES = ("etth1", "ettm1", "weather", "exchange", "pge", "vic", "gefcom")
ODE_CASES = ("odebench", "dysts", "generator")
MATTER_CASES = (
    "rmd17-aspirin", "rmd17-benzene", "rmd17-ethanol", "rmd17-malonaldehyde", "rmd17-toluene", "rmd17-uracil", "3bpa",
    "ethanol-methanol", "ethanol-and-methanol", "mlearn-si", "mlearn-ge", "mlearn-li", "mlearn-cu", "water-deepmd",
)  # fmt: skip
HOUSE_CASES = ("refit-2-20", "refit-20-2", "ideal-65")

PIPELINES: dict[str, dict[str, Verb]] = {
    "load-forecast": {
        "run": _load("forecast the next day's load and report how far to trust it", "RunOptions", "run"),
        "fit": _load("choose and fit a forecaster on a file", "FitOptions", "fit"),
        "predict": _load("forecast from the newest history", "PredictOptions", "predict"),
        "evaluate": _load("score a saved forecaster on newer rows", "EvaluateOptions", "evaluate"),
        "bench": _load("models on real data, under the published protocols first", "BenchOptions", "bench", CASES),
    },
    "many-loads": {
        "run": _many(
            "forecast thousands of series into one file, each by what was best there", "ManyRunOptions", "run"
        ),
        "fit": _many("fit one shared map on a file of many series", "ManyFitOptions", "fit"),
        "predict": _many("forecast many series from their newest history", "ManyPredictOptions", "predict"),
    },
    "year-load": {
        "run": _year("forecast a year's load from its weather and report how far to trust it", "YearRunOptions", "run"),
        "fit": _year("fit a year-ahead forecaster on a file, scored on its last year", "YearFitOptions", "fit"),
        "predict": _year("forecast from the weather of the time ahead", "YearPredictOptions", "predict"),
    },
    "nilm": {
        "run": _nilm("split mains into appliances and report how far to trust it", "NilmRunOptions", "run"),
        "fit": _nilm("learn appliances from houses where they were metered", "NilmFitOptions", "fit"),
        "predict": _nilm("the appliances of a house from its mains alone", "NilmPredictOptions", "predict"),
        "evaluate": _nilm("score a model on a house with metered appliances", "NilmEvaluateOptions", "evaluate"),
        "bench": _nilm("models on real houses that were kept apart", "NilmBenchOptions", "bench", HOUSE_CASES),
    },
    "many-houses": {
        "predict": Verb(
            "the appliances of many houses, day by day, into one file",
            ".many_houses_options",
            "ManyHousesOptions",
            ".many_houses_command",
            "predict",
        ),
    },
    "symbolic-ode": {
        "run": _ode("find differential equations in runs and report how far to trust them", "OdeRunOptions", "run"),
        "fit": _ode("find equations in a file and save them", "OdeFitOptions", "fit"),
        "predict": _ode("follow saved equations from a start", "OdePredictOptions", "predict"),
        "evaluate": _ode("score saved equations on other runs of the system", "OdeEvaluateOptions", "evaluate"),
        "bench": _ode("methods on systems whose law is known", "OdeBenchOptions", "bench", ODE_CASES),
    },
    "potential": {
        "run": _potential("learn a potential from frames and report how far to trust it", "PotentialRunOptions", "run"),
        "fit": _potential("learn a potential from frames and save it", "PotentialFitOptions", "fit"),
        "predict": _potential("energies and forces of frames, and their doubts", "PotentialPredictOptions", "predict"),
        "evaluate": _potential("score a saved potential on other frames", "PotentialEvaluateOptions", "evaluate"),
        "bench": _potential("potentials on published frames", "PotentialBenchOptions", "bench", MATTER_CASES),
    },
    "odeformer": {
        "fit": _ode("train the transformer that proposes equations", "OdeformerFitOptions", "fit_odeformer"),
    },
}

# modules whose SYSTEMS `labformer models` lists
SYSTEMS: tuple[str, ...] = (
    "..domains.forecasting.systems",
    "..domains.nilm.systems",
    "..domains.potentials.systems",
    "..domains.symbolic.systems",
)
