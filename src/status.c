#include <blasconv/blasconv.h>

static const char *const texts[] = {
    [BLASCONV_SUCCESS] = "success",
    [BLASCONV_NULL_POINTER] = "a pointer that the call needs is NULL: hand in every tensor of the "
                              "pass and every struct that is not marked as optional",
    [BLASCONV_VERSION_MISMATCH] =
        "a struct's struct_size is not known to this library: set it with the helper of its "
        "header, and build against the header of the library that is loaded",
    [BLASCONV_BAD_ARGUMENT] = "an enum, flag or parameter has no meaning here: check the pass, the "
                              "activation and its alpha, and flags that belong to other passes",
    [BLASCONV_BAD_SIZE] = "a size is out of range: extents, channels, kernel, strides, dilations "
                          "and groups start at 1, batch and pads at 0, threads end at 4096",
    [BLASCONV_BAD_GROUPS] = "input channels and output channels must both be divisible by groups",
    [BLASCONV_KERNEL_TOO_LARGE] = "the dilated kernel is larger than the padded input: enlarge the "
                                  "pads or shrink the kernel or its dilation",
    [BLASCONV_OVERFLOW] = "an extent, an element count or a byte count overflows: the problem is "
                          "too large for this machine's addresses",
    [BLASCONV_UNSUPPORTED] = "not offered by this version of the library: this function serves "
                             "convolutions in NCHW, some only with up to two axes",
    [BLASCONV_UNKNOWN_ALGORITHM] =
        "no algorithm has this name: blasconv_algorithm_name() lists them",
    [BLASCONV_ALGORITHM_REFUSED] = "the algorithm asked for cannot serve this problem: "
                                   "options.message says why; let the library choose",
    [BLASCONV_OUT_OF_MEMORY] = "the allocator returned NULL: free memory or hand in a workspace",
    [BLASCONV_WORKSPACE_TOO_SMALL] = "the workspace is smaller than blasconv_plan_workspace_size()",
    [BLASCONV_WORKSPACE_MISALIGNED] =
        "the workspace is not aligned to BLASCONV_WORKSPACE_ALIGNMENT bytes",
    [BLASCONV_WRONG_TENSORS] = "a tensor was handed in that the plan's pass does not take: start "
                               "from blasconv_arguments_none() and set those of the pass",
    [BLASCONV_WORKSPACE_LIMITED] = "no algorithm can do with so little workspace: raise "
                                   "options.workspace_limit, or let the library choose",
    [BLASCONV_PACKED_MISMATCH] =
        "these are not packed weights of this plan: pack the weights again "
        "with blasconv_plan_pack() of a plan like the one that runs",
    [BLASCONV_BAD_CHOICES] =
        "the text is not, or not wholly, one that blasconv_choices_export() "
        "wrote on this machine with this library; what could be used was taken",
};

const char *blasconv_status_string(blasconv_status status)
{
  const unsigned index = (unsigned)status;
  if (index >= sizeof texts / sizeof *texts)
    return "not a status of this library";
  return texts[index];
}
