//===- LaunchMetadata.h - How to launch kernels -----------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What GenerateKernels leaves on the declaration of an outlined function, and
// what the runtime's bundle is made from: which kernels there are, which token
// counts each serves, and what their parameters mean.
//
//   func.func private @f_gate0(tensor<?x7168xbf16>, ..., f32) ->
//   tensor<?x64xf32>
//     attributes {llvm.emit_c_interface,
//       indexer.kernels = @f_gate0_kernels,
//       indexer.extents = [array<i64: 0, 0>, 64, 7168],
//       indexer.scalars = array<i64: 3>,
//       indexer.launch = [{kernel = "f_gate0_plain", family = "plain",
//         min_tokens = 1, tile_t = 4, tile_h = 8, heads_first = false,
//         split = 1, threads = 128, cluster = 1, shared_bytes = 0,
//         alignment = 0, starts_early = false,
//         parameters = [#indexer.parameter<pointer 0>, ...]}]}
//
// Operands are numbered as the function's tensor arguments, the results come
// last; scalars are numbered as its other arguments.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_LAUNCHMETADATA_H
#define INDEXER_CODEGEN_GPU_LAUNCHMETADATA_H

#include "indexer/Dialect/Indexer/IndexerDialect.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "llvm/ADT/SmallVector.h"

#include <array>
#include <string>
#include <vector>

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace indexer {

/// Symbol of the gpu.module (later gpu.binary) of the kernels.
constexpr llvm::StringLiteral kernelsAttrName = "indexer.kernels";
/// Array of dictionaries, one for each kernel. The first that serves T and
/// whose conditions hold is launched.
constexpr llvm::StringLiteral launchAttrName = "indexer.launch";
/// Extents of t, h, d: each a number, or the operand and dimension that has it.
constexpr llvm::StringLiteral extentsAttrName = "indexer.extents";
/// Argument numbers of the scalars.
constexpr llvm::StringLiteral scalarsAttrName = "indexer.scalars";
/// For each operand, the loop (0 = t, 1 = h, 2 = d) of each of its dimensions.
constexpr llvm::StringLiteral loopsAttrName = "indexer.loops";
/// Of several fused ops, for each operand the first of its heads, among those
/// of all, and their number.
constexpr llvm::StringLiteral headsAttrName = "indexer.heads";

/// One parameter of a kernel.
struct KernelParameterInfo {
  ParameterKind kind = ParameterKind::Pointer;
  /// Pointer, Stride, TensorMap: operand. Extent: loop (0 = t, 1 = h, 2 = d).
  /// Scalar: scalar.
  unsigned index = 0;
  /// Stride: dimension of the operand.
  unsigned dim = 0;
  /// TensorMap: rows, and elements of d, of a box.
  int64_t boxRows = 0, boxColumns = 0;
};

/// Where the extent of a loop is read: a constant, or dimension `dim` of
/// operand `operand` when `extent` is ShapedType::kDynamic.
struct ExtentInfo {
  int64_t extent = mlir::ShapedType::kDynamic;
  unsigned operand = 0;
  unsigned dim = 0;
};

/// One kernel and how it is launched; the fields of runtime::KernelLaunch that
/// are known before the assembler runs.
struct KernelLaunchInfo {
  /// Name of the function in the code object.
  std::string kernel;
  /// Family of the schedule, such as "plain".
  std::string family;
  /// Order of the sum over d (reductionOrder), in words.
  std::string order;
  /// Serves minTokens <= T <= maxTokens.
  int64_t minTokens = 1, maxTokens = unboundedTokens;
  /// grid.x = ceil(T / tileT), grid.y = ceil(H / tileH); swapped when
  /// `headsFirst`. grid.x is then multiplied by `split`: that many CTAs, next
  /// to each other, share a tile.
  int64_t tileT = 1, tileH = 1;
  bool headsFirst = false;
  unsigned split = 1;
  /// Threads of a CTA, CTAs of a cluster, both along x.
  unsigned threads = 1, cluster = 1;
  /// grid.x is at most this; 0: no limit.
  unsigned maxCtas = 0;
  /// Dynamic shared memory, in bytes.
  unsigned dynamicSharedBytes = 0;
  /// The kernel runs only when x and weight are contiguous along d and their
  /// rows start at multiples of this many bytes; 0: with any layout.
  unsigned alignment = 0;
  /// The kernel may start while the one before it on the stream still runs, and
  /// waits by itself (programmatic dependent launch).
  bool startsEarly = false;
  /// Operands that no kernel in flight writes, by the caller's promise: what a
  /// kernel that starts early may read before it waits.
  llvm::SmallVector<unsigned> staticOperands;
  llvm::SmallVector<KernelParameterInfo> parameters;
};

/// The kernels of one outlined function.
struct FusedKernelInfo {
  /// Symbol of the module of the kernels.
  std::string kernelsModule;
  /// Of t, h and d.
  std::array<ExtentInfo, 3> extents;
  /// Argument number of each scalar.
  llvm::SmallVector<unsigned> scalars;
  std::vector<KernelLaunchInfo> launches;
};

/// Writes `info` onto `func`.
void writeFusedKernel(mlir::func::FuncOp func, const FusedKernelInfo &info);

/// Reads back what writeFusedKernel wrote. Malformed or missing metadata is an
/// error on `func`.
mlir::FailureOr<FusedKernelInfo> readFusedKernel(mlir::func::FuncOp func);

/// Reads back the launches alone.
mlir::FailureOr<std::vector<KernelLaunchInfo>>
readLaunchMetadata(mlir::func::FuncOp func);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_LAUNCHMETADATA_H
