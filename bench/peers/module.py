"""Contenders that are shared modules in C, see peer.h."""

import ctypes
from ctypes import c_char_p, c_double, c_int, c_int32, c_int64, c_uint32, c_void_p

LAYOUTS = ("nchw", "nhwc")
PASSES = ("forward", "backward_data", "backward_weights")
TENSORS = ("input", "weights", "output")
WRITTEN = {"forward": "output", "backward_data": "input", "backward_weights": "weights"}


class CannotServe(Exception):
    """A contender has no way to compute a case; the text says why."""


class Task(ctypes.Structure):
    """The peer_case of peer.h."""
    _fields_ = ([(name, c_int64) for name in ("batch", "in_channels", "out_channels", "groups")]
                + [(name, c_int64 * 2)
                   for name in ("input", "kernel", "strides", "pads", "dilations", "output")]
                + [(f"tensor_{name}", c_void_p) for name in TENSORS]
                + [("algorithm", c_char_p)]
                + [(name, c_int32) for name in ("pass_", "layout", "threads", "own_layout",
                                                "packed_weights", "yield_")])

    @property
    def pass_name(self):
        return PASSES[self.pass_]

    @property
    def layout_name(self):
        return LAYOUTS[self.layout]

    def extents(self, tensor):
        """[N, C, H, W] of input or output, [K, C/G, R, S] of the weights."""
        if tensor == "weights":
            return [self.out_channels, self.in_channels // self.groups, *self.kernel]
        if tensor == "input":
            return [self.batch, self.in_channels, *self.input]
        return [self.batch, self.out_channels, *self.output]

    def count(self, tensor):
        count = 1
        for extent in self.extents(tensor):
            count *= extent
        return count

    def floats(self, tensor):
        """The tensor's memory as a buffer."""
        address = getattr(self, f"tensor_{tensor}")
        return (ctypes.c_float * self.count(tensor)).from_address(address)

    def multiplications(self):
        return self.count("output") * self.count("weights") // self.out_channels


class Module:
    """A module and what it creates."""

    def __init__(self, path):
        self.library = library = ctypes.CDLL(path)
        library.peer_version.restype = c_char_p
        library.peer_create.restype = c_void_p
        library.peer_create.argtypes = [ctypes.POINTER(Task), c_char_p, c_int64]
        library.peer_describe.restype = c_char_p
        for name in ("run", "finish", "describe", "destroy"):
            getattr(library, f"peer_{name}").argtypes = [c_void_p]

    def version(self):
        return self.library.peer_version().decode()

    def create(self, task):
        reason = ctypes.create_string_buffer(256)
        handle = self.library.peer_create(ctypes.byref(task), reason, len(reason))
        if not handle:
            raise CannotServe(reason.value.decode() or "refused without a word")
        return Runner(self.library, handle)


class Runner:
    """A case, ready to be computed."""

    def __init__(self, library, handle):
        self.library, self.handle = library, handle

    def run(self):
        if self.library.peer_run(self.handle) != 0:
            raise CannotServe("failed to run")

    def finish(self):
        if self.library.peer_finish(self.handle) != 0:
            raise CannotServe("failed to bring the result")

    def describe(self):
        return self.library.peer_describe(self.handle).decode()

    def close(self):
        self.library.peer_destroy(self.handle)


class Ours(Module):
    """The library's own module, see ours.h."""

    def __init__(self, path):
        super().__init__(path)
        library = self.library
        library.ours_advice.restype = library.ours_cpu.restype = c_char_p
        library.ours_tensor.restype = c_void_p
        library.ours_tensor.argtypes = [c_int64]
        library.ours_tensor_fill.argtypes = [c_void_p, c_int64, c_uint32]
        library.ours_tensor_poison.argtypes = [c_void_p, c_int64]
        library.ours_tensor_free.argtypes = [c_void_p]
        library.ours_error.restype = c_double
        library.ours_error.argtypes = [c_void_p, c_void_p, c_int64]
        for name in ("ours_peak_gflops", "ours_copy_gbytes"):
            getattr(library, name).restype = c_double
            getattr(library, name).argtypes = [c_int]

    def advice(self):
        """The OPENBLAS_CORETYPE that the BLAS needs, or None."""
        advice = self.library.ours_advice()
        return advice.decode() if advice else None

    def cpu(self):
        return self.library.ours_cpu().decode()
