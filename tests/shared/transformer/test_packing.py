import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from labformer.shared.errors import InputError
from labformer.shared.transformer.attention import attend, hide, sigmoid_attend
from labformer.shared.transformer.packing import Packed, pack, unpack
from labformer.shared.transformer.position import rotate
from labformer.shared.transformer.stack import plain_encoder

LENGTHS = (5, 1, 7, 1, 2, 2, 2)
WIDTH = 12


@pytest.fixture
def sequences():
    make = torch.Generator().manual_seed(0)
    return [torch.randn(n, WIDTH, dtype=torch.float64, generator=make, requires_grad=True) for n in LENGTHS]


def test_unpacking_undoes_packing(sequences):
    packed = pack(sequences)
    assert packed.token.shape == (1, sum(LENGTHS), WIDTH) and packed.lengths == LENGTHS
    for before, after in zip(sequences, unpack(packed), strict=True):
        torch.testing.assert_close(after, before, rtol=0, atol=0)


@pytest.mark.parametrize("position", [None, rotate], ids=["no position", "rotary"])
@pytest.mark.parametrize("mixer", [attend, sigmoid_attend], ids=["softmax", "sigmoid"])
def test_a_packed_encoder_equals_the_padded_and_masked_one_in_value_and_gradient(sequences, mixer, position):
    encoder = plain_encoder(WIDTH, 3, 2, 20, mixer=mixer, position=position).double()
    packed = pack(sequences)
    tight = unpack(Packed(encoder(packed.token, lengths=packed.lengths), packed.lengths))
    real = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    padded = encoder(pad_sequence(sequences, batch_first=True, padding_value=9.0), bias=hide(real, dtype=torch.float64))
    torch.testing.assert_close(torch.cat(tight), padded[real])
    wanted = [*sequences, *encoder.parameters()]
    push = torch.randn(sum(LENGTHS), WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        torch.autograd.grad(torch.cat(tight), wanted, push), torch.autograd.grad(padded[real], wanted, push)
    )


def test_packed_sequences_do_not_see_each_other(sequences):
    encoder = plain_encoder(WIDTH, 3, 2, 20).double()
    out = encoder(pack(sequences).token, lengths=LENGTHS)[0, : LENGTHS[0]].square().sum()
    gradients = torch.autograd.grad(out, sequences)
    assert (gradients[0] != 0).any() and all((other == 0).all() for other in gradients[1:])


@pytest.mark.parametrize(
    "given",
    [[], [torch.ones(3)], [torch.ones(3, 2), torch.ones(3, 4)], [torch.ones(1, 3, 2)]],
    ids=["none", "no channel", "different channels", "batch"],
)
def test_what_is_no_list_of_sequences_is_refused(given):
    with pytest.raises(InputError, match="one or more sequences"):
        pack(given)


def test_lengths_that_do_not_add_up_are_refused(sequences):
    with pytest.raises(InputError, match="add up"):
        plain_encoder(WIDTH, 3, 1, 20).double()(pack(sequences).token, lengths=(5, 1))
