"""What the contenders in torch share."""

import os


def tensors(*arrays):
    """Return torch, held to the stated number of threads, and arrays as tensors."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return torch, [torch.as_tensor(array) for array in arrays]


def compiled(torch, function):
    """Compile for fixed sizes; forget the cases of before, whose number torch limits."""
    torch._dynamo.reset()
    return torch.compile(function, dynamic=False)
