"""gradx: automatic differentiation for the values people really have."""
from gradx.gradient import backprop, backprop_with, eval_bp, grad, grad_bp, value_and_grad
from gradx.bvar import BVar, value
from gradx.structures import split, join
