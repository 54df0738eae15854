//===- ClusterReduction.h - Sum of the CTAs of a cluster --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums the outputs of a tile over the CTAs of a cluster, in a fixed order. Each
// CTA owns a share of the outputs; every CTA sends its sums straight from
// registers into the owner's shared memory by st.async, which counts the bytes
// on the owner's mbarrier. Outputs are dealt out in units of consecutive ones,
// unit u to CTA u modulo the cluster: what a CTA receives is then even to one
// unit, and units that follow each other go to different owners, as one CTA
// takes about 30 bytes a cycle from the others. There is no second cluster
// barrier and no release fence (either costs half a microsecond). In the order
// of a kernel:
//
//   initialize()    the first thread: mbarrier for one arrival, its own
//   arrive()        cluster barrier, relaxed: the fence of the initialization
//                   is the mbarrier's own
//   ... loads ...
//   waitForPeers()  from here on all peers run, and their mbarriers count; the
//                   first thread arrives and says how many bytes will come
//   send()          of each group of outputs
//   waitForSums()   until all bytes are there, before the first collect()
//   collect()
//
// No CTA leaves before its last peer has written: at least one of its threads
// waits for all the bytes. What a CTA sends is in registers, so it may leave
// before it is received.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_CLUSTERREDUCTION_H
#define INDEXER_CODEGEN_GPU_CLUSTERREDUCTION_H

#include "indexer/Codegen/GPU/SharedMemory.h"

namespace indexer {

/// The reduction of one kernel over clusters of 2 CTAs or more.
class ClusterReduction {
public:
  /// `rank` (i32) is the number of this CTA in its cluster of `cluster`. The
  /// `outputs` of a tile are a multiple of `unit`, and at least as many units
  /// as CTAs. What is received comes to `buffer` (!llvm.ptr<3>), a multiple of
  /// 16 with bufferBytes() behind it; null: to static shared memory.
  ClusterReduction(KernelBuilder &kernel, mlir::gpu::GPUFuncOp func,
                   int64_t cluster, int64_t outputs, int64_t unit,
                   mlir::Value rank, mlir::Value buffer = {});

  int64_t bufferBytes() const {
    return share() * cluster * int64_t(sizeof(float));
  }

  /// CTAs, and outputs of a unit.
  int64_t size() const { return cluster; }
  int64_t getUnit() const { return unit; }
  /// Outputs that a CTA owns; with isUneven() some CTAs own a unit less.
  int64_t share() const { return slots() * unit; }
  bool isUneven() const { return slots() * cluster * unit != outputs; }
  /// The tile's number of the owned output number `index` (i32, below share());
  /// not below `outputs` where this CTA does not own so many.
  mlir::Value ownedOutput(KernelBuilder &kernel, mlir::Value index) const;
  /// Consecutive outputs (1, 2 or 4) that one send takes, all of one owner.
  int64_t sendWidth() const;

  /// `thread` (i32) is the number of the thread that emits the ops.
  void initialize(KernelBuilder &kernel, mlir::Value thread);
  void arrive(KernelBuilder &kernel);
  void waitForPeers(KernelBuilder &kernel, mlir::Value thread);

  /// Where the outputs from `output` (i32, a multiple of sendWidth()) on are
  /// sent: addresses in the owner's shared memory.
  struct Destination {
    mlir::Value data, barrier;
  };
  Destination destination(KernelBuilder &kernel, mlir::Value output);
  /// Where the outputs `units` units, a multiple of the cluster, further on are
  /// sent: to the same owner.
  Destination further(KernelBuilder &kernel, const Destination &destination,
                      int64_t units);
  /// Sends sendWidth() sums.
  void send(KernelBuilder &kernel, const Destination &destination,
            mlir::ValueRange sums);

  void waitForSums(KernelBuilder &kernel);
  /// The whole sums of the `width` (1, 2 or 4) owned outputs from number
  /// `index` on (i32, a multiple of it, below share()), CTAs in the order of
  /// KernelBuilder::sumPairs.
  llvm::SmallVector<mlir::Value> collect(KernelBuilder &kernel,
                                         mlir::Value index, int64_t width);

private:
  /// Units that a CTA owns at most.
  int64_t slots() const;
  /// Where the part of CTA `source` (i32) of the owned output `index` (i32)
  /// lies in an owner's buffer: slots, in each the parts of all CTAs.
  mlir::Value placeOf(KernelBuilder &kernel, mlir::Value index,
                      mlir::Value source) const;

  int64_t cluster, outputs, unit;
  mlir::Value rank, buffer, barrier;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_CLUSTERREDUCTION_H
