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

int64_t indexer::cpAsyncWgmmaSharedBytes(int64_t tileT, int64_t tileD,
                                         int64_t stages, int64_t cluster) {
  int64_t received = cluster > 1 ? tileT * 64 * 4 + 8 : 0;
  return stages * (tileT + 64) * tileD * 2 + stagesAlignment + received;
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

/// Checks what only the family `cp_async_wgmma` asks for.
static LogicalResult
verifyCpAsyncWgmma(function_ref<InFlightDiagnostic()> emitError, int64_t tileT,
                   int64_t tileH, int64_t threads, int64_t cluster,
                   int64_t tileD, int64_t stages, int64_t parts) {
  if (tileH != 64)
    return emitError() << "schedule 'tile_h' = " << tileH
                       << " is not accepted: heads are the rows of a wgmma, 64";
  if (threads % 128 != 0 || threads > 512)
    return emitError() << "schedule 'threads' = " << threads
                       << " is not accepted: a CTA of the family "
                          "'cp_async_wgmma' has 128, 256, 384 or 512 threads "
                          "(one warpgroup or more)";
  int64_t warpgroups = threads / 128;
  // Measured with ptxas: beyond this it spills. Sums of parts wait in
  // registers.
  int64_t maxTokens = (parts > 1 ? 64 : 96) * warpgroups;
  if (tileT % (8 * warpgroups) != 0 || tileT > maxTokens)
    return emitError()
           << "schedule 'tile_t' = " << tileT
           << " is not accepted: tokens are the columns of a wgmma, "
              "with 'threads' = "
           << threads << " a multiple of " << 8 * warpgroups << " up to "
           << maxTokens;
  if (tileD < 64 || tileD % 64 != 0)
    return emitError() << "schedule 'tile_d' = " << tileD
                       << " is not accepted: a stage has a multiple of 64 "
                          "elements of d (one 128-byte swizzle row)";
  if (stages < 2)
    return emitError() << "schedule 'stages' = " << stages
                       << " is not accepted: a ring has 2 stages or more";
  if (failed(verifyCluster(emitError, cluster)))
    return failure();
  if (parts < 1 || parts > 16 || (parts & (parts - 1)) != 0)
    return emitError()
           << "schedule 'parts' = " << parts
           << " is not accepted: the share of a CTA is summed in 1, 2, 4, 8 or "
              "16 parts";
  int64_t bytes = cpAsyncWgmmaSharedBytes(tileT, tileD, stages, cluster);
  if (bytes > maxSharedBytesSm90)
    return emitError() << "schedule 'stages' = " << stages
                       << " is not accepted: with 'tile_t' = " << tileT
                       << ", 'tile_d' = " << tileD
                       << " and 'cluster' = " << cluster << " it needs "
                       << bytes
                       << " bytes of shared memory, a kernel on sm_90a has "
                       << maxSharedBytesSm90;
  if (cluster > 1 && tileT * 64 * 4 + 8 > maxStaticSharedBytes)
    return emitError()
           << "schedule 'tile_t' = " << tileT
           << " is not accepted: with clusters a CTA receives up to "
           << maxStaticSharedBytes << " bytes of sums";
  return success();
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   Family family, int64_t tileT, int64_t tileH,
                                   int64_t threads, int64_t cluster,
                                   int64_t tileD, int64_t stages, int64_t parts,
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
  if (family != Family::CpAsyncWgmma && (tileD != 0 || stages != 0))
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
  }
  return success();
}

LogicalResult
ParameterAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      ParameterKind kind, unsigned index,
                      std::optional<unsigned> dim) {
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
  return success();
}
