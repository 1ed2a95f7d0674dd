"""`.npy` files: read as a whole, and told of in one line."""

import numpy as np
import pytest

from gradx.files.errors import InputError
from gradx.files.npy import read_npy


@pytest.mark.parametrize("x", [np.arange(6.0).reshape(2, 3), np.array(2, ">i4"), np.ones((0, 2))])
def test_what_numpy_writes_is_read(tmp_path, x):
    np.save(tmp_path / "x.npy", x)
    found = read_npy(tmp_path / "x.npy")
    np.testing.assert_array_equal(found, x, strict=True)


def test_what_is_no_array(tmp_path):
    with pytest.raises(InputError, match="none: there is no such file; check the path"):
        read_npy(tmp_path / "none")
    np.save(tmp_path / "objects.npy", np.array([print]), allow_pickle=True)
    with pytest.raises(InputError, match=r"\(it holds Python objects, which are not read\); write"):
        read_npy(tmp_path / "objects.npy")


def test_a_file_that_ends_anywhere(tmp_path):
    np.save(path := tmp_path / "x.npy", np.ones(2))
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match=r"is damaged or of another kind \(.*\); write it aga"):
            read_npy(path)
