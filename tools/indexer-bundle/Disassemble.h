//===- Disassemble.h - SASS of a cubin through nvdisasm ---------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TOOLS_INDEXER_BUNDLE_DISASSEMBLE_H
#define INDEXER_TOOLS_INDEXER_BUNDLE_DISASSEMBLE_H

#include <string>

/// Finds nvdisasm: `given` alone where it is not empty; else in PATH, in
/// $CUDA_HOME/bin and in /usr/local/cuda/bin. Throws std::runtime_error with
/// the places it looked at.
std::string findNvdisasm(const std::string &given);

/// Runs `nvdisasm` on the bytes of a cubin; its listing goes to standard
/// output. Throws std::runtime_error where that fails.
void disassemble(const std::string &nvdisasm, const std::string &cubin);

#endif // INDEXER_TOOLS_INDEXER_BUNDLE_DISASSEMBLE_H
