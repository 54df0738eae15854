//===- IndexerDialect.h - The indexer dialect -------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attributes that say what upstream dialects cannot: how the kernels of a fused
// op are built (`#indexer.schedule`) and what their parameters mean
// (`#indexer.parameter`). IndexerAttrs.td describes them.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_DIALECT_INDEXER_INDEXERDIALECT_H
#define INDEXER_DIALECT_INDEXER_INDEXERDIALECT_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"

#include <cstdint>
#include <limits>
#include <optional>

namespace indexer {

/// `max_tokens` of a schedule that serves any number of tokens.
constexpr int64_t unboundedTokens = std::numeric_limits<int64_t>::max();

/// On a fused op: the array of its `#indexer.schedule`, ordered by max_tokens.
constexpr llvm::StringLiteral schedulesAttrName = "indexer.schedules";
/// On fused ops that one kernel computes: the same number, an i64.
constexpr llvm::StringLiteral groupAttrName = "indexer.group";
/// On a kernel: the numbers of the parameters that are tensor maps.
constexpr llvm::StringLiteral tensorMapsAttrName = "indexer.tensor_maps";
/// On a function whose body is one fused op.
constexpr llvm::StringLiteral outlinedAttrName = "indexer.outlined";

/// Static shared memory that a kernel has at most, in bytes, on every chip.
constexpr int64_t maxStaticSharedBytes = 48 * 1024;

/// Shared memory that a kernel on sm_90a has at most, static and dynamic, in
/// bytes (CUDA Programming Guide, "Compute Capability 9.x").
constexpr int64_t maxSharedBytesSm90 = 227 * 1024;

/// Alignment of the stages of the families `cp_async_wgmma` and `tma_wgmma`, in
/// bytes: the 128-byte swizzle repeats after 1024.
constexpr int64_t stagesAlignment = 1024;

/// CTAs that a grid has at most along y (CUDA C++ programming guide, technical
/// specifications).
constexpr int64_t maxGridY = 65535;

/// Heads that a warpgroup of the families `cp_async_wgmma` and `tma_wgmma` has:
/// the rows of a wgmma.
constexpr int64_t wgmmaHeads = 64;

/// Columns of d that wgmma sums in one chain at most: the tensor core cuts off
/// low bits at every addition (relative error of the gate 7e-7, of all 7168
/// columns in one chain 7e-6, measured on an H100).
constexpr int64_t maxChainColumns = 896;

/// In the families `cp_async_wgmma` and `tma_wgmma` each fused op of a kernel
/// begins at a multiple of this many heads: what a warp finishes belongs to one
/// of them.
constexpr int64_t wgmmaOpHeads = 16;

/// Of the `outputs` of a tile, those of a unit that one CTA of a cluster of
/// `split` sums up, in the families `cp_async_wgmma` and `tma_wgmma`: those of
/// a warp in 8 tokens, or fewer where that would leave a CTA without any.
int64_t wgmmaReductionUnit(int64_t outputs, int64_t split);

/// Shared memory of a kernel of the family `cp_async_wgmma`, in bytes: the
/// stages, what aligns them, and with clusters what a CTA receives from its
/// peers and the barrier that counts it.
int64_t cpAsyncWgmmaSharedBytes(int64_t tileT, int64_t tileD, int64_t stages,
                                int64_t cluster);

/// Shared memory of a kernel of the family `tma_wgmma`, in bytes: as above,
/// with `split` CTAs that divide d, and two barriers of 8 bytes for each stage.
int64_t tmaWgmmaSharedBytes(int64_t tileT, int64_t tileH, int64_t tileD,
                            int64_t stages, int64_t split);

/// Registers of a thread in a CTA of `threads` threads: an SM has 65536, a
/// thread addresses at most 256 (CUDA Programming Guide, "Compute
/// Capabilities").
int64_t registersPerThread(int64_t threads);

/// Shared memory of a kernel of the family `register_mma`, in bytes: the sums
/// of each warp, in rows of heads padded by 4, and with clusters what a CTA
/// receives from its peers and the barrier that counts it.
int64_t registerMmaSharedBytes(int64_t tileT, int64_t tileH, int64_t threads,
                               int64_t cluster);

} // namespace indexer

#include "indexer/Dialect/Indexer/IndexerDialect.h.inc"
#include "indexer/Dialect/Indexer/IndexerEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "indexer/Dialect/Indexer/IndexerAttrs.h.inc"

namespace indexer {

/// Elements of d that the threads of a kernel of `family`, `dot` or
/// `register_mma`, take in one step: 8 a thread, or 32 a warp of each CTA.
int64_t residentStep(Family family, int64_t threads, int64_t cluster);

/// Registers that a thread of such a kernel needs when it loads `steps` steps
/// before it multiplies. An estimate from above of what ptxas takes.
int64_t residentRegisters(Family family, int64_t tileT, int64_t tileH,
                          int64_t steps);

} // namespace indexer

#endif // INDEXER_DIALECT_INDEXER_INDEXERDIALECT_H
