"""Errors as the papers print them, each for its case, model, lookback and horizon."""

# iTransformer: Liu et al. 2024, arXiv:2310.06625, table 10 (exchange: its row in table 1 of the SAMformer paper);
# DLinear and NLinear: Zeng et al. 2023, arXiv:2205.13504, table 2;
# SAMformer: Ilbert et al. 2024, arXiv:2402.10198, table 1 (horizons 96 and 720 of ETTh1, 96 of weather and exchange)
_HORIZONS = (96, 192, 336, 720)
_TABLES: dict[tuple[str, str, int], tuple[tuple[float, ...], tuple[float, ...]]] = {
    ("etth1", "itransformer", 96): ((0.386, 0.441, 0.487, 0.503), (0.405, 0.436, 0.458, 0.491)),
    ("ettm1", "itransformer", 96): ((0.334, 0.377, 0.426, 0.491), (0.368, 0.391, 0.420, 0.459)),
    ("weather", "itransformer", 96): ((0.174, 0.221, 0.278, 0.358), (0.214, 0.254, 0.296, 0.349)),
    ("exchange", "itransformer", 96): ((0.086,), ()),
    ("etth1", "dlinear", 336): ((0.375, 0.405, 0.439, 0.472), (0.399, 0.416, 0.443, 0.490)),
    ("ettm1", "dlinear", 336): ((0.299, 0.335, 0.369, 0.425), (0.343, 0.365, 0.386, 0.421)),
    ("weather", "dlinear", 336): ((0.176, 0.220, 0.265, 0.323), (0.237, 0.282, 0.319, 0.362)),
    ("exchange", "dlinear", 336): ((0.081, 0.157, 0.305, 0.643), (0.203, 0.293, 0.414, 0.601)),
    ("etth1", "nlinear", 336): ((0.374, 0.408, 0.429, 0.440), (0.394, 0.415, 0.427, 0.453)),
    ("ettm1", "nlinear", 336): ((0.306, 0.349, 0.375, 0.433), (0.348, 0.375, 0.388, 0.422)),
    ("weather", "nlinear", 336): ((0.182, 0.225, 0.271, 0.338), (0.232, 0.269, 0.301, 0.348)),
    ("exchange", "nlinear", 336): ((0.089, 0.180, 0.331, 1.033), (0.208, 0.300, 0.415, 0.780)),
    ("weather", "samformer", 512): ((0.197,), ()),
    ("exchange", "samformer", 512): ((0.161,), ()),
}
# by case, model, lookback and horizon: mean squared and absolute error on standardised values
PAPERS: dict[tuple[str, str, int, int], dict[str, float]] = {
    (*key, horizon): {name: column[place] for name, column in (("mse", mse), ("mae", mae)) if place < len(column)}
    for key, (mse, mae) in _TABLES.items()
    for place, horizon in enumerate(_HORIZONS)
    if place < len(mse)
} | {("etth1", "samformer", 512, 96): {"mse": 0.381}, ("etth1", "samformer", 512, 720): {"mse": 0.427}}
