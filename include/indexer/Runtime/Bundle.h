//===- Bundle.h - Kernels and how to launch them ----------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle is what the compiler hands to the runtime: code objects for one or
// more chips and, for the entry function, the table that says how to launch
// them. No LLVM, no CUDA: plain data, C++17.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_BUNDLE_H
#define INDEXER_RUNTIME_BUNDLE_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace indexer::runtime {

enum class ElementType { BF16, F16, F32, F64 };

/// Extent that is only known at run time.
constexpr int64_t kDynamic = -1;

/// One argument or result of the entry function: a tensor, or a scalar
/// (rank 0 and `isTensor` false).
struct ArgumentSpec {
  std::string name;
  bool isTensor = false;
  ElementType type = ElementType::F32;
  /// Extents in elements; kDynamic where the function accepts any.
  std::vector<int64_t> shape;
};

/// How an operand of the kernel is made from an argument (or result) of the
/// entry function: a reshape without data movement. `groups[i]` lists the
/// argument's dimensions that operand dimension i runs over, outermost first;
/// argument dimensions in no group have extent 1. A group of several
/// dimensions needs them collapsible: stride[k] = stride[k+1] * shape[k+1].
struct TensorBinding {
  /// A part of the argument: of its dimension `dim` the `count` indices from
  /// `first` on, as a merged weight has the rows of several fused ops.
  struct Slice {
    unsigned dim = 0;
    int64_t first = 0, count = 0;
  };

  /// Which heads an operand has, of a kernel that computes several fused ops:
  /// of all of its heads the `count` from `first` on.
  struct Heads {
    int64_t first = 0, count = 0;
  };

  unsigned argument = 0;
  std::vector<std::vector<unsigned>> groups;
  /// Loop (0 = t, 1 = h, 2 = d) that operand dimension i runs over; as many
  /// entries as `groups`, each loop at most once. The runtime checks with it
  /// that all operands agree about T, H and E.
  std::vector<unsigned> loops;
  /// Nothing: all of the argument. No result has one.
  std::optional<Slice> slice = std::nullopt;
  /// Nothing: all of them.
  std::optional<Heads> heads = std::nullopt;
};

/// A scalar of the kernel: argument `argument` of the entry function, or, when
/// `isConstant`, `constant`.
struct ScalarBinding {
  bool isConstant = false;
  unsigned argument = 0;
  double constant = 0;
  ElementType type = ElementType::F32;
};

/// Where the extent of a loop (t, h or d) is read: dimension `dim` of operand
/// `operand`; or a constant when the type says so (extent != kDynamic).
struct ExtentBinding {
  int64_t extent = kDynamic;
  unsigned operand = 0;
  unsigned dim = 0;
};

/// One parameter of a kernel, in order. Pointers are 8 bytes and point at the
/// element of index 0; strides (in elements) and extents are 8-byte integers;
/// scalars have the width of their type. A tensor map is the 128-byte
/// descriptor by which a kernel copies boxes of an operand into shared memory,
/// with the 128-byte swizzle and zeros for what lies outside the operand.
struct KernelParameter {
  enum class Kind { Pointer, Stride, Extent, Scalar, TensorMap };
  Kind kind = Kind::Pointer;
  /// Pointer, Stride, TensorMap: operand number (the results are the last
  /// operands). Extent: 0 = t, 1 = h, 2 = d. Scalar: scalar number.
  unsigned index = 0;
  /// Stride: dimension of the operand.
  unsigned dim = 0;
  /// TensorMap: rows, and elements of d, of a box.
  unsigned boxRows = 0, boxColumns = 0;
};

/// Resource figures of the machine code, as the assembler reports them.
struct KernelResources {
  int registers = 0;
  int spillBytes = 0;
  int sharedBytes = 0;
};

/// One compiled kernel and the token counts that it serves.
struct KernelLaunch {
  /// Name of the function in the code objects.
  std::string kernel;
  /// Family of the schedule, such as "plain".
  std::string family;
  /// Order of the sum over d, in words; launches of one order give the same
  /// bits. For people, not used by a launch.
  std::string order;
  /// Chip whose code objects have the function, such as "sm_90a"; empty: all of
  /// the bundle have it. The others' launches are dropped at load.
  std::string chip;
  /// Serves minTokens <= T <= maxTokens.
  int64_t minTokens = 1;
  int64_t maxTokens = INT64_MAX;
  /// grid.x = ceil(T / tileT), grid.y = ceil(H / tileH), grid.z = 1. The
  /// loops over t and h are swapped when `headsFirst` (grid.x over h). grid.x
  /// is then multiplied by `split`, the CTAs that share a tile, and rounded up
  /// to a multiple of `cluster`.
  int64_t tileT = 1, tileH = 1;
  bool headsFirst = false;
  unsigned split = 1;
  /// Threads of a block (x only) and CTAs of a cluster (x only).
  unsigned threads = 1, cluster = 1;
  /// grid.x is at most this, a multiple of `cluster`, as a CTA of the kernel
  /// goes on to a next tile; 0: no limit.
  unsigned maxCtas = 0;
  /// Dynamic shared memory, in bytes.
  unsigned dynamicSharedBytes = 0;
  /// The kernel runs only when x and weight are contiguous along d and each of
  /// their rows starts at a multiple of this many bytes; 0: with any layout.
  /// Where it cannot run, the next launch that serves T is taken.
  unsigned alignment = 0;
  /// The kernel may start while the one before it on the stream still runs, and
  /// waits for its end by itself (programmatic dependent launch).
  bool startsEarly = false;
  /// Operands that it reads before it waits: no kernel in flight may write
  /// them. For people, not used by a launch.
  std::vector<unsigned> staticOperands;
  std::vector<KernelParameter> parameters;
  KernelResources resources;
};

/// One fused op of the entry function, or several that one kernel computes.
struct FusedKernel {
  /// Operands: x, weight, epilogue operands..., results. The results' bindings
  /// count the results of the entry function.
  std::vector<TensorBinding> operands;
  /// One for each fused op.
  unsigned numResults = 1;
  /// Element type of each operand.
  std::vector<ElementType> operandTypes;
  std::vector<ScalarBinding> scalars;
  /// Of t, h and d.
  ExtentBinding extents[3];
  std::vector<KernelLaunch> launches;

  /// True when operand number `operand` is a result.
  bool isResult(size_t operand) const {
    return operand + numResults >= operands.size();
  }
};

/// Machine code or PTX for one chip.
struct CodeObject {
  /// Such as "sm_90a".
  std::string chip;
  /// "cubin" or "ptx".
  std::string format;
  std::string bytes;
  /// The assembler that made it, such as "ptxas 13.0.88"; empty for PTX.
  std::string assembler;
};

struct Bundle {
  /// Name of the entry function in the user's module.
  std::string entry;
  std::vector<ArgumentSpec> arguments;
  std::vector<ArgumentSpec> results;
  std::vector<FusedKernel> kernels;
  std::vector<CodeObject> objects;
};

/// Bytes of `bundle` in the documented format. Equal bundles give equal bytes.
std::string serialize(const Bundle &bundle);

/// Reads a bundle back. False, with `error` set to one sentence, when the bytes
/// are truncated, corrupt, foreign or of a newer format.
bool deserialize(const void *data, size_t size, Bundle &bundle,
                 std::string &error);

/// "bf16", "f16", "f32", "f64".
const char *elementTypeName(ElementType type);
/// Size of an element, in bytes.
inline size_t elementTypeSize(ElementType type) {
  switch (type) {
  case ElementType::BF16:
  case ElementType::F16:
    return 2;
  case ElementType::F32:
    return 4;
  case ElementType::F64:
    return 8;
  }
  return 0;
}

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_BUNDLE_H
