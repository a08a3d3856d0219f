"""One flat vector: what the layers see and what the optimizer sees is the same memory."""

import numpy as np
import pytest

from scratchwork.errors import ConfigurationError, ShapeError
from scratchwork.parameter import Parameter, flatten


def three(dtype=np.float32):
    weight = Parameter(np.arange(6, dtype=dtype).reshape(2, 3))
    bias = Parameter(np.array([10, 11, 12], dtype), decay=False)
    last = Parameter(np.array([[20], [21], [22]], dtype))
    return [weight, bias, last]


def test_weights_stand_before_biases_and_all_are_views():
    weight, bias, last = parameters = three()
    weight.grad[...] = 1
    flat = flatten(parameters)
    assert flat.value.tolist() == [0, 1, 2, 3, 4, 5, 20, 21, 22, 10, 11, 12]
    assert flat.grad.tolist() == [1] * 6 + [0] * 6
    assert flat.n_decay == 9
    assert flat.parameters == [weight, last, bias]
    for parameter, place in zip(flat.parameters, flat.slices, strict=True):
        assert np.shares_memory(parameter.value, flat.value[place])
        assert np.shares_memory(parameter.grad, flat.grad[place])
    flat.value *= 2
    assert last.value.tolist() == [[40], [42], [44]]
    bias.grad[...] = 5
    assert flat.grad[9:].tolist() == [5, 5, 5]
    assert weight.value.shape == (2, 3)


def test_it_knows_whether_the_parameters_still_live_there():
    parameters = three()
    flat = flatten(parameters)
    ordered = list(flat.parameters)
    assert flat.holds(ordered)
    assert not flat.holds(ordered[:2])
    assert not flat.holds(ordered[::-1])
    other = flatten(parameters)  # moved on
    assert not flat.holds(ordered)
    assert other.holds(ordered)
    ordered[0].value = ordered[0].value.astype(np.float64)
    assert not other.holds(ordered)


def test_a_value_that_somebody_replaced_is_taken_in_as_it_is_and_in_the_network_s_type():
    parameters = three()
    flatten(parameters)
    parameters[0].value = np.ones((4, 2), np.float64)[:, ::-1]
    flat = flatten(parameters, np.float32)
    assert flat.value.dtype == parameters[0].value.dtype == np.float32
    assert flat.value.tolist() == [1] * 8 + [20, 21, 22, 10, 11, 12]
    assert parameters[0].grad.shape == (4, 2)


def test_what_is_assigned_is_written_where_the_optimizer_reads_it():
    parameters = three()
    flat = flatten(parameters)
    weight, bias, _ = parameters
    weight.grad = np.full((2, 3), 7.0)  # a float64 array, as of a loss computed in float64
    weight.grad += 1
    bias.value = np.array([1, 2, 3], np.float32)
    bias.value *= 2
    assert flat.grad[:6].tolist() == [8] * 6
    assert flat.value[9:].tolist() == [2, 4, 6]
    assert flat.holds(flat.parameters)
    assert weight.grad.dtype == np.float32


def test_what_is_assigned_is_copied():
    parameter = Parameter(np.zeros(2))
    kept = np.array([1.0, 2.0])
    parameter.value = kept
    parameter.grad = kept
    parameter.value += 1
    assert kept.tolist() == parameter.grad.tolist() == [1, 2]


def test_a_gradient_of_another_shape_is_refused_and_one_of_a_new_value_is_taken():
    parameter = Parameter(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"has the shape of its parameter, \(2, 3\); received \(3,\)"):
        parameter.grad = np.ones(3)
    parameter.value = np.ones((4, 1))
    parameter.grad = np.full((4, 1), 5)
    assert parameter.grad.tolist() == [[5.0]] * 4


def test_values_in_another_order_in_memory():
    parameter = Parameter(np.arange(6.0).reshape(2, 3).T)
    flat = flatten([parameter])
    assert flat.value.tolist() == [0, 3, 1, 4, 2, 5]
    assert parameter.value.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_none_at_all():
    flat = flatten([])
    assert flat.value.size == flat.grad.size == flat.n_decay == 0
    assert flat.holds([])


def test_a_parameter_stands_there_once():
    parameter = Parameter(np.ones(2))
    with pytest.raises(ConfigurationError, match="twice"):
        flatten([parameter, parameter])


def test_what_it_says_of_itself():
    assert repr(Parameter(np.ones((2, 3)), decay=False)) == "Parameter(shape=(2, 3), dtype=float64, decay=False)"
