// oneDNN from version 2 on; the same source is compiled against each that is there.
//
// The algorithm is `direct`. Where input and output are plain, a form that computes on them as they
// are competes with one that brings them to oneDNN's preferred layout and back inside the timed
// run; the faster is kept. With own_layout everything is in the preferred layout, and nobody counts
// how it got there.
#include "peer.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <dnnl.hpp>
#include <memory>
#include <omp.h>
#include <string>
#include <vector>

namespace
{

using dnnl::memory;

const dnnl::engine &engine()
{
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

// What a primitive is asked for.
struct convolution {
  memory::desc input, weights, output;
  memory::dims strides, dilations, pads;
};

constexpr auto direct = dnnl::algorithm::convolution_direct;

dnnl::convolution_forward::primitive_desc forward(const convolution &c, dnnl::prop_kind kind)
{
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), kind,      direct,      c.input, c.weights,
          c.output, c.strides, c.dilations, c.pads,  c.pads};
#else
  return {{kind, direct, c.input, c.weights, c.output, c.strides, c.dilations, c.pads, c.pads},
          engine()};
#endif
}

template <class pass> typename pass::primitive_desc backward(const convolution &c)
{
  const auto hint = forward(c, dnnl::prop_kind::forward_training);
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),  direct,      c.input, c.weights, c.output,
          c.strides, c.dilations, c.pads,  c.pads,    hint};
#else
  return {{direct, c.input, c.weights, c.output, c.strides, c.dilations, c.pads, c.pads},
          engine(),
          hint};
#endif
}

dnnl::primitive_desc primitive_of(int pass, const convolution &c)
{
  switch (pass) {
  case PEER_FORWARD:
    return forward(c, dnnl::prop_kind::forward_inference);
  case PEER_BACKWARD_DATA:
    return backward<dnnl::convolution_backward_data>(c);
  default:
    return backward<dnnl::convolution_backward_weights>(c);
  }
}

// A dense tensor [groups][rows][channels][height][width], channels before pixels or after them;
// without groups its first extent is left away.
memory::desc plain(int layout, memory::dims extents, bool grouped)
{
  const memory::dim rows = extents[1], channels = extents[2], height = extents[3],
                    width = extents[4], row = channels * height * width;
  memory::dims steps = layout == PEER_NHWC
                           ? memory::dims{rows * row, row, 1, width * channels, channels}
                           : memory::dims{rows * row, row, height * width, width, 1};
  if (!grouped) {
    extents.erase(extents.begin());
    steps.erase(steps.begin());
  }
  return {extents, memory::data_type::f32, steps};
}

memory::desc any(const memory::desc &like)
{
#if DNNL_VERSION_MAJOR >= 3
  const memory::dims extents = like.get_dims();
#else
  const memory::dims extents = like.dims();
#endif
  return {extents, memory::data_type::f32, memory::format_tag::any};
}

// A tensor where the case has it and where the primitive wants it, which may be the same place.
class tensor
{
public:
  memory there;

  tensor(float *data, const memory::desc &plain, const memory::desc &wanted, bool written)
      : there(plain, engine(), data), here(there), moves(wanted != plain), is_written(written)
  {
    if (!moves)
      return;
    there = memory(wanted, engine());
    reorder = written ? dnnl::reorder(there, here) : dnnl::reorder(here, there);
  }

  bool elsewhere() const
  {
    return moves;
  }

  // Brings what is read to the primitive, what it has written back.
  void move(dnnl::stream &stream)
  {
    if (!moves)
      return;
    if (is_written)
      reorder.execute(stream, there, here);
    else
      reorder.execute(stream, here, there);
  }

private:
  memory here;
  bool moves, is_written;
  dnnl::reorder reorder;
};

// One way to compute a case.
class form
{
public:
  form(const peer_case &task, bool any_layout)
      : pass(task.pass), counted(!task.own_layout), packed(task.packed_weights)
  {
    const bool grouped = task.groups > 1;
    const memory::desc plains[] = {
        plain(task.layout, {1, task.batch, task.in_channels, task.input[0], task.input[1]}, false),
        plain(task.layout,
              {task.groups, task.out_channels / task.groups, task.in_channels / task.groups,
               task.kernel[0], task.kernel[1]},
              grouped),
        plain(task.layout, {1, task.batch, task.out_channels, task.output[0], task.output[1]},
              false)};
    const convolution c = {
        any_layout ? any(plains[input]) : plains[input],   any(plains[weights]),
        any_layout ? any(plains[output]) : plains[output], {task.strides[0], task.strides[1]},
        {task.dilations[0] - 1, task.dilations[1] - 1},    {task.pads[0], task.pads[1]}};
    const dnnl::primitive_desc description = primitive_of(pass, c);
    name = description.impl_info_str();
    compute = dnnl::primitive(description);
    float *const data[] = {task.tensor_input, task.tensor_weights, task.tensor_output};
    for (std::size_t t = 0; t < count; ++t)
      tensors.emplace_back(data[t], plains[t],
                           description.query_md(dnnl::query::exec_arg_md, argument(t)),
                           t == written());
    for (std::size_t t = 0; t < count; ++t)
      if (t != written())
        tensors[t].move(stream);
    if (counted && (tensors[input].elsewhere() || tensors[output].elsewhere()))
      name = "reorder+" + name;
  }

  void run()
  {
    for (std::size_t t = 0; t < count; ++t)
      if (counted && t != written() && !(t == weights && packed))
        tensors[t].move(stream);
    compute.execute(stream, {{argument(input), tensors[input].there},
                             {argument(weights), tensors[weights].there},
                             {argument(output), tensors[output].there}});
    if (counted)
      tensors[written()].move(stream);
    stream.wait();
  }

  // Brings the result to its place.
  void result()
  {
    tensors[written()].move(stream);
    stream.wait();
  }

  bool slow() const
  {
    return name.find("ref") == 0;
  }
  bool reorders() const
  {
    return name.find("reorder") == 0;
  }
  const char *describe() const
  {
    return name.c_str();
  }

private:
  enum : std::size_t { input, weights, output, count };

  int pass;
  bool counted, packed;
  std::string name;
  std::vector<tensor> tensors;
  dnnl::primitive compute;
  dnnl::stream stream = dnnl::stream(engine());

  std::size_t written() const
  {
    return pass == PEER_FORWARD ? output : pass == PEER_BACKWARD_DATA ? input : weights;
  }

  int argument(std::size_t t) const
  {
    const bool gradient = t == written() ? pass != PEER_FORWARD : t == output;
    static const int values[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    static const int gradients[] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST};
    return gradient ? gradients[t] : values[t];
  }
};

double seconds(form &f)
{
  const auto begin = std::chrono::steady_clock::now();
  f.run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

bool faster(form &a, form &b)
{
  a.run();
  b.run();
  const double of_a = seconds(a), of_b = seconds(b);
  return std::min(of_a, seconds(a)) < std::min(of_b, seconds(b));
}

std::unique_ptr<form> best(const peer_case &task)
{
  auto preferred = std::make_unique<form>(task, true);
  if (task.own_layout || !preferred->reorders())
    return preferred;
  auto as_it_is = std::make_unique<form>(task, false);
  return !as_it_is->slow() && faster(*as_it_is, *preferred) ? std::move(as_it_is)
                                                            : std::move(preferred);
}

// Runs what may throw; 0 if it did not.
template <class action> int guarded(const action &act, char *reason, int64_t size)
{
  try {
    act();
    return 0;
  } catch (const std::exception &error) {
    std::snprintf(reason, static_cast<size_t>(size), "%s", error.what());
    return 1;
  }
}

template <class action> int guarded(const action &act)
{
  char reason[1];
  return guarded(act, reason, sizeof reason);
}

} // namespace

const char *peer_version(void)
{
  static char text[32];
  const dnnl_version_t *v = dnnl_version();
  std::snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
  return text;
}

void *peer_create(const peer_case *task, char *reason, int64_t size)
{
  omp_set_num_threads(task->threads);
  std::unique_ptr<form> made;
  guarded([&] { made = best(*task); }, reason, size);
  return made.release();
}

int peer_run(void *peer)
{
  return guarded([&] { static_cast<form *>(peer)->run(); });
}

int peer_finish(void *peer)
{
  return guarded([&] { static_cast<form *>(peer)->result(); });
}

const char *peer_describe(void *peer)
{
  return static_cast<form *>(peer)->describe();
}

void peer_destroy(void *peer)
{
  delete static_cast<form *>(peer);
}
