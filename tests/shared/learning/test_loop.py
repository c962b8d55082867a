import json
import random
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from labformer.shared.errors import InputError
from labformer.shared.learning.loop import TrainingConfig, train
from labformer.shared.learning.seed import random_states

CONFIG = TrainingConfig(epochs=3, batch=8, learning_rate=1e-2)


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [value.clone() for value in model.state_dict().values()]


def equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_loop_takes_the_steps_of_a_plain_one(rows, make_network, squared_error) -> None:
    data, model, plain = rows(20, torch.float64), *(make_network(dtype=torch.float64) for _ in range(2))
    seen: list[list[int]] = []

    def watched(model: nn.Module, indices: torch.Tensor) -> torch.Tensor:
        seen.append(indices.tolist())
        return squared_error(model, data.batch(indices))

    class Indices:
        __len__ = data.__len__

        def batch(self, indices: torch.Tensor) -> torch.Tensor:
            return indices

    config = replace(CONFIG, weight_decay=0.1, clip=0.5, schedule="halved")
    outcome = train(model, watched, Indices(), config, progress=False)

    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in plain.parameters() if p.ndim == 2], "weight_decay": 0.1},
            {"params": [p for p in plain.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ]
    )
    losses = []
    for step, indices in enumerate(seen):
        for group in optimiser.param_groups:
            group["lr"] = 1e-2 * (0.5 if step // 3 == 2 else 1.0)
        optimiser.zero_grad()
        loss = squared_error(plain, data.batch(torch.tensor(indices)))
        loss.backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        optimiser.step()
        losses.append(loss.item() * len(indices))
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-10, atol=1e-12)
    assert [row.loss for row in outcome.history] == pytest.approx([sum(losses[e : e + 3]) / 20 for e in (0, 3, 6)])
    epochs = [sum(seen[e : e + 3], []) for e in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)  # every row once an epoch, none dropped
    assert epochs[0] != epochs[1] != epochs[2]
    assert [len(indices) for indices in seen[:3]] == [8, 8, 4]


def test_a_line_is_learnt_down_to_its_noise(rows, squared_error) -> None:
    model, data = nn.Linear(6, 2), rows(400)
    config = TrainingConfig(epochs=30, batch=32, learning_rate=0.05, schedule="cosine", warmup=10)
    outcome = train(model, squared_error, data, config, progress=False)
    assert outcome.history[-1].loss < 0.012  # the noise has variance 0.01
    assert outcome.history[0].loss > 1


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(rows, make_network, squared_error) -> None:
    results = []
    for seed in (1, 1, 2):
        torch.rand(len(results) + 1)  # whatever the caller drew before does not matter
        model = make_network(dropout=0.5)
        train(model, squared_error, rows(), replace(CONFIG, seed=seed), progress=False)
        results.append(weights(model))
    assert equal(results[0], results[1])
    assert not equal(results[0], results[2])


def test_the_random_numbers_of_the_caller_go_on_undisturbed(rows, make_network, squared_error) -> None:
    def noisy(model: nn.Module, batch: NamedTuple) -> torch.Tensor:
        return squared_error(model, batch) * (1 + random.random() + np.random.rand())  # noqa: NPY002

    before = random_states()
    train(make_network(dropout=0.5), noisy, rows(), CONFIG, progress=False)
    after = random_states()
    assert torch.equal(before["torch"][0], after["torch"][0])
    assert (before["numpy"], before["python"]) == (after["numpy"], after["python"])


def test_the_model_ends_with_the_best_validated_weights_and_a_tie_counts_as_better(
    rows, make_network, squared_error
) -> None:
    model, scores, kept = make_network(), iter([3.0, 1.0, 1.0, 2.0, 2.0, 0.0]), []

    def validate(model: nn.Module) -> float:
        assert not model.training
        assert not torch.is_grad_enabled()
        kept.append(weights(model))
        return next(scores)

    outcome = train(
        model, squared_error, rows(), replace(CONFIG, epochs=9, patience=2), validate=validate, progress=False
    )
    assert (outcome.best_epoch, outcome.best_validation, len(outcome.history)) == (3, 1.0, 5)
    assert [row.validation for row in outcome.history] == [3.0, 1.0, 1.0, 2.0, 2.0]
    assert equal(weights(model), kept[2])
    assert not equal(kept[1], kept[2])
    assert not model.training


def test_without_validation_the_last_weights_are_kept(rows, make_network, squared_error) -> None:
    outcome = train(make_network(), squared_error, rows(), replace(CONFIG, patience=1), progress=False)
    assert (outcome.best_epoch, outcome.best_validation, len(outcome.history)) == (3, None, 3)


def test_the_average_is_what_is_validated_and_kept(rows, make_network, squared_error) -> None:
    model, steps, kept = make_network(), [], []

    def recorded(model: nn.Module, batch: NamedTuple) -> torch.Tensor:
        steps.append(weights(model))
        return squared_error(model, batch)

    def validate(model: nn.Module) -> float:
        kept.append(weights(model))
        return 0.0

    config = replace(CONFIG, epochs=3, batch=50, ema_decay=0.9)  # one step an epoch
    train(model, recorded, rows(), config, validate=validate, progress=False)
    expected = steps[0]
    for count, rate in ((1, 2 / 11), (2, 3 / 12)):
        expected = [rate * old + (1 - rate) * new for old, new in zip(expected, steps[count], strict=True)]
        torch.testing.assert_close(kept[count - 1], expected)
    assert equal(weights(model), kept[2])


class Batch(NamedTuple):
    pair: dict[str, list[torch.Tensor]]


def test_sharpness_aware_steps_follow_their_definition_with_the_same_dropout_in_both_passes(
    rows, make_network, squared_error
) -> None:
    data, model, plain = rows(16, torch.float64), *(make_network(0.5, dtype=torch.float64) for _ in range(2))
    orders, states = [], []

    def watched(model: nn.Module, batch: NamedTuple) -> torch.Tensor:
        orders.append(batch)
        states.append(torch.get_rng_state())
        return squared_error(model, batch)

    train(model, watched, data, replace(CONFIG, epochs=2, sam_rho=0.7, optimiser="adam"), progress=False)
    optimiser = torch.optim.Adam(plain.parameters(), lr=1e-2)
    with torch.random.fork_rng(devices=[]):
        for batch, state in list(zip(orders, states, strict=True))[::2]:
            parameters = list(plain.parameters())
            torch.set_rng_state(state)
            gradient = torch.autograd.grad(squared_error(plain, batch), parameters)
            norm = sum(g.square().sum() for g in gradient).sqrt()
            start = [p.detach().clone() for p in parameters]
            with torch.no_grad():
                for p, g in zip(parameters, gradient, strict=True):
                    p += 0.7 * g / (norm + 1e-12)
            optimiser.zero_grad()
            torch.set_rng_state(state)
            squared_error(plain, batch).backward()
            with torch.no_grad():
                for p, old in zip(parameters, start, strict=True):
                    p.copy_(old)
            optimiser.step()
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-9, atol=1e-12)
    assert len(orders) == 2 * 2 * 2


def test_a_radius_of_zero_is_the_base_optimiser_bit_for_bit_and_a_tiny_one_is_near_it(
    rows, make_network, squared_error
) -> None:
    ends = []
    for rho in (0.0, 1e-9, 0.5):
        model = make_network(0.5, dtype=torch.float64)
        train(model, squared_error, rows(50, torch.float64), replace(CONFIG, sam_rho=rho), progress=False)
        ends.append(weights(model))
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-5, atol=1e-6)
    assert max((a - b).abs().max().item() for a, b in zip(ends[0], ends[2], strict=True)) > 1e-3


def test_the_second_pass_leaves_running_statistics_as_one_pass_makes_them(rows, squared_error) -> None:
    buffers = []
    for rho in (0.0, 0.5):
        torch.manual_seed(0)
        model = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 2))  # its input does not depend on weights
        train(model, squared_error, rows(), replace(CONFIG, sam_rho=rho), progress=False)
        buffers.append([buffer.clone() for buffer in model.buffers()])
    assert equal(*buffers)


def test_a_batch_may_nest_tensors_in_any_way(rows, squared_error) -> None:
    data = rows()

    class Nested:
        __len__ = data.__len__

        def batch(self, indices: torch.Tensor) -> Batch:
            return Batch({"xy": [data.x[indices], data.y[indices]]})

    one, two = nn.Linear(6, 2), nn.Linear(6, 2)
    two.load_state_dict(one.state_dict())
    train(one, lambda m, b: (m(b.pair["xy"][0]) - b.pair["xy"][1]).square().mean(), Nested(), CONFIG, progress=False)
    train(two, squared_error, data, CONFIG, progress=False)
    assert equal(weights(one), weights(two))


def test_frozen_parameters_stay(rows, make_network, squared_error) -> None:
    model = make_network()
    model[0].requires_grad_(False)
    frozen, free = model[0].weight.clone(), model[4].weight.detach().clone()
    train(model, squared_error, rows(), replace(CONFIG, weight_decay=0.1, sam_rho=0.1, ema_decay=0.5), progress=False)
    assert torch.equal(model[0].weight, frozen)
    assert not torch.equal(model[4].weight, free)


def test_a_loss_that_is_not_finite_stops_the_run_naming_step_and_epoch(rows, make_network, squared_error) -> None:
    data, model, before = rows(), make_network(), []

    def failing(model: nn.Module, batch: NamedTuple) -> torch.Tensor:
        before.append(weights(model))
        return squared_error(model, batch) * (float("nan") if len(before) == 10 else 1.0)

    with pytest.raises(InputError, match=r"loss is nan at step 10 \(epoch 2, batch 3 of 7\).*learning_rate=0\.01"):
        train(model, failing, data, CONFIG, progress=False)
    assert equal(weights(model), before[-1])  # nothing was learnt from it


def test_a_validation_that_is_not_finite_stops_the_run(rows, make_network, squared_error) -> None:
    with pytest.raises(InputError, match="validation after epoch 1 is nan"):
        train(make_network(), squared_error, rows(), CONFIG, validate=lambda model: float("nan"), progress=False)


def test_nothing_to_learn_from_or_with_is_refused(rows, make_network, squared_error) -> None:
    with pytest.raises(InputError, match="no rows"):
        train(make_network(), squared_error, rows(0), CONFIG)
    with pytest.raises(InputError, match="no parameter"):
        train(make_network().requires_grad_(False), squared_error, rows(), CONFIG)


def test_the_log_holds_one_json_line_an_epoch_and_progress_goes_to_standard_error(
    rows, make_network, squared_error, tmp_path, capsys
) -> None:
    outcome = train(
        *(make_network(), squared_error, rows(), replace(CONFIG, schedule="halved")),
        validate=lambda model: 0.5,
        folder=tmp_path / "a" / "run",
    )
    lines = [json.loads(line) for line in (tmp_path / "a" / "run" / "log.jsonl").read_text().splitlines()]
    assert lines == [row._asdict() for row in outcome.history]
    assert [(line["epoch"], line["step"], line["learning_rate"]) for line in lines] == [
        *((1, 7, 0.01), (2, 14, 0.01), (3, 21, 0.005))
    ]
    assert 0 < lines[0]["seconds"] < lines[1]["seconds"] < lines[2]["seconds"] <= outcome.seconds
    output = capsys.readouterr()
    assert output.out == ""
    assert "21/21" in output.err
    train(make_network(), squared_error, rows(), CONFIG, progress=False)
    assert capsys.readouterr() == ("", "")
