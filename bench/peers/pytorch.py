"""PyTorch as a contender: one operator in eager mode."""

import torch

from module import WRITTEN


class PyTorch:
    """conv2d and its gradients, contiguous or channels_last as the case's layout says."""

    def version(self):
        return torch.__version__

    def create(self, task):
        torch.set_num_threads(task.threads)
        return Runner(task)


def view(task, tensor):
    """The tensor's memory as PyTorch sees it, [N][C][H][W] in any case."""
    memory = torch.frombuffer(task.floats(tensor), dtype=torch.float32)
    first, channels, height, width = task.extents(tensor)
    if task.layout_name == "nchw":
        return memory.view(first, channels, height, width)
    return memory.view(first, height, width, channels).permute(0, 3, 1, 2)


class Runner:
    def __init__(self, task):
        self.format = (torch.contiguous_format if task.layout_name == "nchw"
                       else torch.channels_last)
        self.tensors = {name: view(task, name) for name in ("input", "weights", "output")}
        self.result = None
        self.written = WRITTEN[task.pass_name]
        self.sizes = [list(task.strides), list(task.pads), list(task.dilations)]
        self.groups = task.groups

    def compute(self):
        t = self.tensors
        if self.written == "output":
            return torch.conv2d(t["input"], t["weights"], None, *self.sizes, self.groups)
        mask = [self.written == "input", self.written == "weights", False]
        gradients = torch.ops.aten.convolution_backward(
            t["output"], t["input"], t["weights"], None, *self.sizes, False, [0, 0], self.groups,
            mask)
        return gradients[0 if mask[0] else 1]

    def run(self):
        with torch.inference_mode():
            self.result = self.compute().contiguous(memory_format=self.format)

    def finish(self):
        self.tensors[self.written].copy_(self.result)

    def describe(self):
        return "conv2d" if self.written == "output" else "convolution_backward"

    def close(self):
        self.result = None
