"""What a lifted value can do: the operators, methods and attributes of the value it stands for.

There are three surfaces, chosen by the type of the plain value: that of a Python number, of a NumPy
scalar and of an array. They are written over `gradx.core.dispatch.apply`, so every kind of run has
them.
"""
