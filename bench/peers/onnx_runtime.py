"""ONNX Runtime as a contender: a model of one Conv, on the CPU."""

import time

import numpy
import onnx
import onnxruntime

from module import CannotServe


class OnnxRuntime:
    """Forward in NCHW; with the optimizer's own blocked layouts or without, what is faster."""

    def version(self):
        return onnxruntime.__version__

    def create(self, task):
        if task.pass_name != "forward":
            raise CannotServe("forward only")
        if task.layout_name != "nchw":
            raise CannotServe("NCHW only")
        if not task.packed_weights:
            raise CannotServe("always packs weights ahead")
        levels = onnxruntime.GraphOptimizationLevel
        runners = [Runner(task, level, name) for level, name in
                   ((levels.ORT_ENABLE_ALL, "all"), (levels.ORT_ENABLE_EXTENDED, "extended"))]
        return min(runners, key=lambda runner: runner.seconds())


def model(task):
    """The bytes of a model whose weights are a constant."""
    def information(name):
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT,
                                                  task.extents(name))

    weights = numpy.frombuffer(task.floats("weights"), numpy.float32)
    node = onnx.helper.make_node(
        "Conv", ["input", "weights"], ["output"], kernel_shape=list(task.kernel),
        strides=list(task.strides), dilations=list(task.dilations), pads=list(task.pads) * 2,
        group=task.groups)
    graph = onnx.helper.make_graph(
        [node], "layer", [information("input")], [information("output")],
        [onnx.numpy_helper.from_array(weights.reshape(task.extents("weights")), "weights")])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    made.ir_version = 8
    return made.SerializeToString()


class Runner:
    def __init__(self, task, level, name):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = level
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning",
                                         "0" if task.yield_ else "1")
        self.name = name
        self.session = onnxruntime.InferenceSession(model(task), options,
                                                    providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.binding.bind_input("input", "cpu", 0, numpy.float32, task.extents("input"),
                                task.tensor_input)
        self.binding.bind_output("output", "cpu", 0, numpy.float32, task.extents("output"),
                                 task.tensor_output)

    def seconds(self):
        """The best of a few runs."""
        best = float("inf")
        for _ in range(3):
            begin = time.perf_counter()
            self.run()
            best = min(best, time.perf_counter() - begin)
        return best

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def finish(self):
        pass

    def describe(self):
        return f"Conv, optimization {self.name}"

    def close(self):
        self.session = self.binding = None
