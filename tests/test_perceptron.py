"""Perceptrons from a few words are the layers that one would have written."""

import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, UnknownNameError
from scratchwork.initializers import INITIALIZERS
from scratchwork.perceptron import ACTIVATIONS, INITIALIZER_OF, perceptron


def test_everything_stands_in_its_place():
    found = perceptron((4, 3), 2, activation="tanh", dropout=(0.5, 0.0), input_dropout=0.1, batch_norm=True)
    kinds = [type(layer).__name__ for layer in found.layers]
    assert kinds == ["Dropout", "Dense", "BatchNorm", "Tanh", "Dropout", "Dense", "BatchNorm", "Tanh", "Dense"]
    assert [layer.rate for layer in found.layers if isinstance(layer, sw.Dropout)] == [0.1, 0.5]
    assert [layer.units for layer in found.layers if isinstance(layer, sw.Dense)] == [4, 3, 2]


def test_no_hidden_layer_is_a_linear_model():
    assert repr(perceptron((), 3)) == "Sequential([Dense(3)])"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_weights_start_as_suits_the_activation(name):
    first, activation, last = perceptron((4,), 2, activation=name).layers
    assert type(activation) is ACTIVATIONS[name]
    assert first.weight_initializer == INITIALIZERS[INITIALIZER_OF.get(name, "he_normal")]
    assert last.weight_initializer == INITIALIZERS["he_normal"]
    first, _, last = perceptron((4,), 2, activation=name, initializer="ones").layers
    assert first.weight_initializer == last.weight_initializer == INITIALIZERS["ones"]


def test_one_per_layer_must_be_as_many():
    with pytest.raises(ConfigurationError, match="each of the 2"):
        perceptron((4, 3), 2, activation=("relu",))
    with pytest.raises(ConfigurationError, match="dropout is one for all"):
        perceptron((4, 3), 2, dropout=(0.1, 0.2, 0.3))
    with pytest.raises(UnknownNameError, match="did you mean 'relu'"):
        perceptron((4,), 2, activation="rellu")
