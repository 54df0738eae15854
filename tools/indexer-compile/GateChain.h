//===- GateChain.h - The head gate's chain as MLIR text ---------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TOOLS_INDEXER_COMPILE_GATECHAIN_H
#define INDEXER_TOOLS_INDEXER_COMPILE_GATECHAIN_H

#include <cstdint>
#include <string>

/// The chain of examples/head_gate.mlir for `heads` = H and `hidden` = E: x
/// [T, E] and weight [H, E] bf16, q_scale [T, H, 1] f32, two f32 scalars.
std::string gateChain(int64_t heads, int64_t hidden);

#endif // INDEXER_TOOLS_INDEXER_COMPILE_GATECHAIN_H
