"""Operators: functions of functions beyond the gradient, such as Jacobians and Hessians."""
