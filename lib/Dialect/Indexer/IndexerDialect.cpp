//===- IndexerDialect.cpp - The indexer dialect ---------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Dialect/Indexer/IndexerDialect.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace indexer;

#include "indexer/Dialect/Indexer/IndexerDialect.cpp.inc"
#include "indexer/Dialect/Indexer/IndexerEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "indexer/Dialect/Indexer/IndexerAttrs.cpp.inc"

void IndexerDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "indexer/Dialect/Indexer/IndexerAttrs.cpp.inc"
      >();
}

int64_t indexer::registersPerThread(int64_t threads) {
  return std::min<int64_t>(256, 65536 / threads);
}

int64_t indexer::registerMmaSharedBytes(int64_t tileT, int64_t tileH,
                                        int64_t threads, int64_t cluster) {
  int64_t partials = threads / 32 * tileT * (tileH + 4) * 4;
  int64_t received = cluster > 1 ? tileT * tileH * 4 + 8 : 0;
  return partials + received;
}

int64_t indexer::wgmmaReductionUnit(int64_t outputs, int64_t split) {
  return std::min<int64_t>(128, outputs / split);
}

/// What a CTA of a cluster of `split` receives from its peers of the `outputs`
/// of a tile, and the barrier that counts it, in bytes; nothing with 1.
static int64_t receivedBytes(int64_t outputs, int64_t split) {
  if (split == 1)
    return 0;
  int64_t unit = wgmmaReductionUnit(outputs, split);
  return llvm::alignTo(outputs, unit * split) * 4 + 8;
}

/// Shared memory of a ring of stages and of what is received, in bytes.
static int64_t ringBytes(int64_t tileT, int64_t tileH, int64_t tileD,
                         int64_t stages, int64_t split) {
  return stages * (tileT + tileH) * tileD * 2 + stagesAlignment +
         receivedBytes(tileT * tileH, split);
}

int64_t indexer::cpAsyncWgmmaSharedBytes(int64_t tileT, int64_t tileD,
                                         int64_t stages, int64_t cluster) {
  return ringBytes(tileT, wgmmaHeads, tileD, stages, cluster);
}

int64_t indexer::tmaWgmmaSharedBytes(int64_t tileT, int64_t tileH,
                                     int64_t tileD, int64_t stages,
                                     int64_t split) {
  return ringBytes(tileT, tileH, tileD, stages, split) + stages * 16;
}

int64_t indexer::residentStep(Family family, int64_t threads, int64_t cluster) {
  return threads * (family == Family::Dot ? 8 : cluster);
}

int64_t indexer::residentRegisters(Family family, int64_t tileT, int64_t tileH,
                                   int64_t steps) {
  if (family == Family::Dot)
    return 2 * tileT * tileH + steps * (tileT + tileH) * 4 + 28;
  int64_t accumulators = (tileT / 8) * ((tileH + 15) / 16) * 4;
  return accumulators + steps * (tileH / 8 + tileT / 8) * 4 + 40;
}

/// Checks that the accumulators and one step of loads fit into registers.
static LogicalResult
verifyRegisters(function_ref<InFlightDiagnostic()> emitError, Family family,
                int64_t tileT, int64_t tileH, int64_t threads) {
  int64_t needed = residentRegisters(family, tileT, tileH, /*steps=*/1);
  if (needed <= registersPerThread(threads))
    return success();
  return emitError() << "schedule tile of " << tileT << " x " << tileH
                     << " outputs is not accepted: it needs " << needed
                     << " registers, with 'threads' = " << threads
                     << " a thread has " << registersPerThread(threads);
}

/// Checks what only the family `plain` asks for.
static LogicalResult verifyPlain(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t tileT, int64_t tileH, int64_t threads,
                                 int64_t cluster) {
  if (cluster != 1)
    return emitError()
           << "schedule 'cluster' = " << cluster
           << " is not accepted: a kernel of the family 'plain' has "
              "no clusters";
  // Measured with ptxas for bf16, the widest step: beyond this it spills.
  int64_t registers = registersPerThread(threads);
  int64_t maxOutputs = registers / 4, maxRows = registers / 10;
  if (tileT > maxRows || tileH > maxRows || tileT + tileH > maxRows ||
      tileT * tileH > maxOutputs)
    return emitError() << "schedule tile of " << tileT << " x " << tileH
                       << " outputs is not accepted: with 'threads' = "
                       << threads << " a thread holds at most " << maxOutputs
                       << " accumulators and " << maxRows
                       << " rows ('tile_t' + 'tile_h') in its " << registers
                       << " registers";
  return success();
}

/// Checks what only the family `dot` asks for.
static LogicalResult verifyDot(function_ref<InFlightDiagnostic()> emitError,
                               int64_t tileT, int64_t tileH, int64_t threads,
                               int64_t cluster) {
  if (cluster != 1)
    return emitError() << "schedule 'cluster' = " << cluster
                       << " is not accepted: a kernel of the family 'dot' has "
                          "no clusters";
  if (tileT > 16 || tileH > 16)
    return emitError() << "schedule tile of " << tileT << " x " << tileH
                       << " outputs is not accepted: the family 'dot' takes up "
                          "to 16 tokens and 16 heads";
  return verifyRegisters(emitError, Family::Dot, tileT, tileH, threads);
}

/// Checks the size of a cluster.
static LogicalResult verifyCluster(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t cluster) {
  if (cluster >= 1 && cluster <= 16 && (cluster & (cluster - 1)) == 0)
    return success();
  return emitError() << "schedule 'cluster' = " << cluster
                     << " is not accepted: a cluster has 1, 2, 4, 8 or 16 CTAs";
}

/// Checks what only the family `register_mma` asks for.
static LogicalResult
verifyRegisterMma(function_ref<InFlightDiagnostic()> emitError, int64_t tileT,
                  int64_t tileH, int64_t threads, int64_t cluster) {
  if (tileT % 8 != 0 || tileT > 256)
    return emitError()
           << "schedule 'tile_t' = " << tileT
           << " is not accepted: tokens are the columns of an mma, a "
              "multiple of 8 up to 256";
  if (tileH > 256 || (tileH != 8 && tileH % 16 != 0))
    return emitError()
           << "schedule 'tile_h' = " << tileH
           << " is not accepted: heads are the rows of an mma, 8 or "
              "a multiple of 16 up to 256";
  if (failed(verifyCluster(emitError, cluster)))
    return failure();
  if (failed(verifyRegisters(emitError, Family::RegisterMma, tileT, tileH,
                             threads)))
    return failure();
  int64_t bytes = registerMmaSharedBytes(tileT, tileH, threads, cluster);
  if (bytes > maxStaticSharedBytes)
    return emitError() << "schedule tile of " << tileT << " x " << tileH
                       << " outputs is not accepted: with 'threads' = "
                       << threads << " it needs " << bytes
                       << " bytes of shared memory, a kernel has "
                       << maxStaticSharedBytes;
  return success();
}

/// Checks what the families that multiply by wgmma from a ring of stages ask
/// for alike. `tokenParts` warpgroups have tokens of their own, each
/// `tokensOfWarpgroup` at most; `bytes` is the shared memory of a kernel.
static LogicalResult
verifyWgmmaRing(function_ref<InFlightDiagnostic()> emitError, int64_t tileT,
                int64_t tileH, int64_t threads, int64_t tokenParts,
                int64_t cluster, int64_t split, int64_t tileD, int64_t stages,
                int64_t minStages, int64_t tokensOfWarpgroup,
                function_ref<int64_t()> bytes) {
  int64_t maxTokens = tokensOfWarpgroup * tokenParts;
  if (tileT % (8 * tokenParts) != 0 || tileT > maxTokens)
    return emitError()
           << "schedule 'tile_t' = " << tileT
           << " is not accepted: tokens are the columns of a wgmma, "
              "with 'threads' = "
           << threads << " a multiple of " << 8 * tokenParts << " up to "
           << maxTokens;
  if (tileD < 64 || tileD % 64 != 0)
    return emitError() << "schedule 'tile_d' = " << tileD
                       << " is not accepted: a stage has a multiple of 64 "
                          "elements of d (one 128-byte swizzle row)";
  if (tileD > maxChainColumns)
    return emitError() << "schedule 'tile_d' = " << tileD
                       << " is not accepted: the columns of a stage are summed "
                          "in one chain, accepted are up to "
                       << maxChainColumns;
  if (stages < minStages)
    return emitError() << "schedule 'stages' = " << stages
                       << " is not accepted: a ring has " << minStages
                       << " stages or more";
  if (failed(verifyCluster(emitError, cluster)))
    return failure();
  if (bytes() > maxSharedBytesSm90)
    return emitError() << "schedule 'stages' = " << stages
                       << " is not accepted: with 'tile_t' = " << tileT
                       << ", 'tile_d' = " << tileD
                       << " and 'cluster' = " << cluster << " it needs "
                       << bytes()
                       << " bytes of shared memory, a kernel on sm_90a has "
                       << maxSharedBytesSm90;
  if (tileH == wgmmaHeads &&
      receivedBytes(tileT * tileH, split) > maxStaticSharedBytes)
    return emitError()
           << "schedule 'tile_t' = " << tileT
           << " is not accepted: with clusters a CTA receives up to "
           << maxStaticSharedBytes << " bytes of sums";
  return success();
}

/// Checks what only the family `cp_async_wgmma` asks for.
static LogicalResult
verifyCpAsyncWgmma(function_ref<InFlightDiagnostic()> emitError, int64_t tileT,
                   int64_t tileH, int64_t threads, int64_t cluster,
                   int64_t tileD, int64_t stages, int64_t parts) {
  if (threads != 128)
    return emitError() << "schedule 'threads' = " << threads
                       << " is not accepted: a CTA of the family "
                          "'cp_async_wgmma' has 128 threads (one warpgroup)";
  if (parts < 1 || parts > 16 || (parts & (parts - 1)) != 0)
    return emitError()
           << "schedule 'parts' = " << parts
           << " is not accepted: the share of a CTA is summed in 1, 2, 4, 8 or "
              "16 parts";
  if (tileH != wgmmaHeads)
    return emitError() << "schedule 'tile_h' = " << tileH
                       << " is not accepted: heads are the rows of a wgmma, "
                       << wgmmaHeads;
  // Measured with ptxas: beyond this it spills. Sums of parts wait in
  // registers.
  return verifyWgmmaRing(
      emitError, tileT, tileH, threads, /*tokenParts=*/1, cluster,
      /*split=*/cluster, tileD, stages, /*minStages=*/1,
      /*tokensOfWarpgroup=*/parts > 1 ? 64 : 96,
      [&] { return cpAsyncWgmmaSharedBytes(tileT, tileD, stages, cluster); });
}

/// Checks what only the family `tma_wgmma` asks for.
static LogicalResult
verifyTmaWgmma(function_ref<InFlightDiagnostic()> emitError, int64_t tileT,
               int64_t tileH, int64_t threads, int64_t cluster, int64_t tileD,
               int64_t stages, int64_t multicast, int64_t maxCtas) {
  if (tileH % wgmmaHeads != 0 || tileH > 3 * wgmmaHeads)
    return emitError() << "schedule 'tile_h' = " << tileH
                       << " is not accepted: heads are the rows of a wgmma, "
                       << wgmmaHeads << ", or of one for each of 2 or 3 "
                       << "warpgroups, 128 or 192";
  int64_t headParts = tileH / wgmmaHeads;
  if (headParts > 1 && threads != 128 * (headParts + 1))
    return emitError() << "schedule 'threads' = " << threads
                       << " is not accepted: with 'tile_h' = " << tileH
                       << " a CTA of the family 'tma_wgmma' has "
                       << 128 * (headParts + 1)
                       << " threads (a warpgroup for each " << wgmmaHeads
                       << " heads, and one that copies)";
  if (headParts == 1 && (threads % 128 != 32 || threads < 160 || threads > 416))
    return emitError() << "schedule 'threads' = " << threads
                       << " is not accepted: a CTA of the family 'tma_wgmma' "
                          "has 160, 288 or 416 threads (one warpgroup or more, "
                          "and a warp that copies)";
  if (multicast != 1 && multicast != cluster)
    return emitError() << "schedule 'multicast' = " << multicast
                       << " is not accepted: a cluster of " << cluster
                       << " either divides d (1) or shares the weight ("
                       << cluster << ")";
  if (multicast > 8)
    return emitError() << "schedule 'multicast' = " << multicast
                       << " is not accepted: a CTA copies 8 heads of the "
                          "weight or more, accepted are up to 8 CTAs";
  int64_t split = cluster / multicast;
  if (maxCtas < 0 || maxCtas % cluster != 0)
    return emitError() << "schedule 'max_ctas' = " << maxCtas
                       << " is not accepted: a grid has whole clusters of "
                       << cluster << " CTAs";
  if (maxCtas > 0 && split > 1)
    return emitError() << "schedule 'max_ctas' = " << maxCtas
                       << " is not accepted: CTAs that divide d do not go on "
                          "to a next tile";
  // Measured with ptxas: beyond it spills, with many heads in parts of d
  // earlier. A box of TMA has up to 256 rows.
  int64_t tokenParts = headParts > 1 ? 1 : threads / 128;
  int64_t maxTokens = headParts > 1 && split > 1 ? 88 : 128;
  return verifyWgmmaRing(
      emitError, tileT, tileH, threads, tokenParts, cluster, split, tileD,
      stages, /*minStages=*/2, std::min<int64_t>(maxTokens, 256 / tokenParts),
      [&] { return tmaWgmmaSharedBytes(tileT, tileH, tileD, stages, split); });
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   Family family, int64_t tileT, int64_t tileH,
                                   int64_t threads, int64_t cluster,
                                   int64_t tileD, int64_t stages, int64_t parts,
                                   int64_t multicast, int64_t maxCtas,
                                   Weights weights, int64_t maxTokens) {
  if (tileT < 1)
    return emitError() << "schedule 'tile_t' = " << tileT
                       << " is not accepted: a tile is 1 token or more";
  if (tileH < 1)
    return emitError() << "schedule 'tile_h' = " << tileH
                       << " is not accepted: a tile is 1 head or more";
  if (threads < 32 || threads > 1024 || threads % 32 != 0)
    return emitError() << "schedule 'threads' = " << threads
                       << " is not accepted: a CTA has 32 to 1024 threads, in "
                          "multiples of 32 (one warp)";
  if (maxTokens < 1)
    return emitError() << "schedule 'max_tokens' = " << maxTokens
                       << " is not accepted: a kernel serves 1 token or more";
  if (weights == Weights::Static && family == Family::Plain)
    return emitError() << "schedule 'weights' = static is not accepted: a "
                          "kernel of the family 'plain' does not start early";
  bool isTma = family == Family::TmaWgmma;
  if (!isTma && (multicast != 1 || maxCtas != 0))
    return emitError() << "schedule '"
                       << (multicast != 1 ? "multicast" : "max_ctas")
                       << "' = " << (multicast != 1 ? multicast : maxCtas)
                       << " is not accepted: only a kernel of the family "
                          "'tma_wgmma' has it";
  if (!isTma && family != Family::CpAsyncWgmma && (tileD != 0 || stages != 0))
    return emitError() << "schedule '" << (tileD != 0 ? "tile_d" : "stages")
                       << "' = " << (tileD != 0 ? tileD : stages)
                       << " is not accepted: a kernel of the family '"
                       << stringifyFamily(family) << "' has no stages";
  if (family != Family::CpAsyncWgmma && parts != 1)
    return emitError() << "schedule 'parts' = " << parts
                       << " is not accepted: a kernel of the family '"
                       << stringifyFamily(family)
                       << "' sums the share of a CTA in one part";
  switch (family) {
  case Family::Plain:
    return verifyPlain(emitError, tileT, tileH, threads, cluster);
  case Family::Dot:
    return verifyDot(emitError, tileT, tileH, threads, cluster);
  case Family::RegisterMma:
    return verifyRegisterMma(emitError, tileT, tileH, threads, cluster);
  case Family::CpAsyncWgmma:
    return verifyCpAsyncWgmma(emitError, tileT, tileH, threads, cluster, tileD,
                              stages, parts);
  case Family::TmaWgmma:
    return verifyTmaWgmma(emitError, tileT, tileH, threads, cluster, tileD,
                          stages, multicast, maxCtas);
  }
  return success();
}

LogicalResult
ParameterAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      ParameterKind kind, unsigned index,
                      std::optional<unsigned> dim, ArrayRef<int64_t> box) {
  if (kind == ParameterKind::Stride && !dim)
    return emitError() << "parameter 'stride " << index
                       << "' has no dimension, expected 'stride " << index
                       << "[D]'";
  if (kind != ParameterKind::Stride && dim)
    return emitError() << "parameter '" << stringifyParameterKind(kind) << " "
                       << index << "' has a dimension, only a stride has one";
  if (kind == ParameterKind::Extent && index > 2)
    return emitError() << "parameter 'extent " << index
                       << "' names no loop, accepted are 0 (t), 1 (h), 2 (d)";
  if (kind != ParameterKind::TensorMap && !box.empty())
    return emitError() << "parameter '" << stringifyParameterKind(kind) << " "
                       << index << "' has a box, only a tensor map has one";
  auto isBoxExtent = [](int64_t extent) { return extent > 0 && extent <= 256; };
  if (kind == ParameterKind::TensorMap &&
      (box.size() != 2 || !llvm::all_of(box, isBoxExtent)))
    return emitError() << "parameter 'tensor_map " << index << "' has the box ["
                       << box
                       << "], expected rows and columns from 1 to 256 each";
  return success();
}
