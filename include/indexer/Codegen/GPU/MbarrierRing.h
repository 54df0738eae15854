//===- MbarrierRing.h - Stages handed over by mbarriers ---------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A ring of stages between one thread that copies (the producer) and the warps
// that multiply (the consumers). Each stage has two mbarriers:
//
//   full    the producer arrives and says how many bytes will come; the phase
//           ends when they are there
//   empty   each consuming warp arrives when it has read the stage
//
// Both walk over the stages in the same order, so a place in the ring is the
// number of a stage and the parity of the round: it flips each time that the
// walk starts again at stage 0. In round r the consumers wait for full with the
// parity of r, and the producer, from the second round on, waits for empty with
// the parity of r - 1.
//
// With multicast a stage is written by all CTAs of a cluster, so each tells all
// when it has read it.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_MBARRIERRING_H
#define INDEXER_CODEGEN_GPU_MBARRIERRING_H

#include "indexer/Codegen/GPU/SharedMemory.h"

namespace indexer {

/// A place in a ring: number of the stage, parity of the round; i32.
struct RingPosition {
  mlir::Value stage, parity;
};

/// The barriers of one ring.
class MbarrierRing {
public:
  /// `stages` stages, read by `consumers` warps of each of the `multicast` CTAs
  /// that a copy reaches.
  MbarrierRing(KernelBuilder &kernel, mlir::gpu::GPUFuncOp func, int64_t stages,
               int64_t consumers, int64_t multicast);

  int64_t stages() const { return count; }

  /// By one thread: makes the full barrier of `stage`.
  void initializeFull(KernelBuilder &kernel, int64_t stage);
  /// By one thread: makes all empty barriers.
  void initializeEmpty(KernelBuilder &kernel);

  /// The first stage in the first round, and the place behind `position`.
  RingPosition first(KernelBuilder &kernel) const;
  RingPosition next(KernelBuilder &kernel, const RingPosition &position) const;

  /// By the producer: the full barrier of `stage` (i32), and that `bytes` will
  /// come to it.
  mlir::Value full(KernelBuilder &kernel, mlir::Value stage) const;
  void expect(KernelBuilder &kernel, mlir::Value stage, int64_t bytes);
  /// By the producer, whose round is after the first one: until the consumers
  /// have read what the round before put there.
  void waitForEmpty(KernelBuilder &kernel, const RingPosition &position);

  /// By the consumers: until the bytes are there.
  void waitForFull(KernelBuilder &kernel, const RingPosition &position);
  /// By all threads of a consuming warp, which has read the stage; `lane` is
  /// the thread's number in the warp, i32. With multicast it may only be called
  /// where a producer waits for it: a CTA must not be told after its end.
  void release(KernelBuilder &kernel, const RingPosition &position,
               mlir::Value lane);

private:
  int64_t count, consumers, multicast;
  mlir::Value fullBarriers, emptyBarriers;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_MBARRIERRING_H
