//===- Chips.cpp - The GPUs that kernels are made for ---------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compute capabilities and shared memory: CUDA C++ Programming Guide, "Compute
// Capabilities". PTX versions: PTX ISA, "Release Notes", and the table of
// processors in LLVM's NVPTX.td.
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/Chips.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace indexer {

// sm_80 and sm_89 stay at PTX 8.0 (CUDA 12.0), which has all they can do here;
// 8.6 is the first with copies by TMA into the shared memory of the own CTA
// only, and the first that knows sm_100a; sm_120a came with 8.7.
// Multiprocessors are those of A100, L40, H100 SXM, B200 and RTX PRO 6000.
static constexpr Chip chipTable[] = {
    {"sm_80", 80, 80, 70, 163 * 1024, 32, {108, 1, false}},
    {"sm_89", 89, 80, 78, 99 * 1024, 32, {142, 1, false}},
    {"sm_90a", 90, 86, 80, 227 * 1024, 32, {132, 16, true}},
    {"sm_100a", 100, 86, 86, 227 * 1024, 32, {148, 16, false}},
    {"sm_120a", 120, 87, 87, 99 * 1024, 32, {188, 8, false}},
};

std::string Chip::features() const { return "+ptx" + llvm::utostr(ptxVersion); }

ArrayRef<Chip> allChips() { return chipTable; }

std::string chipNames() {
  return llvm::join(
      llvm::map_range(chipTable, [](const Chip &chip) { return chip.name; }),
      ", ");
}

const Chip *findChip(StringRef name) {
  const Chip *chip = llvm::find_if(
      chipTable, [&](const Chip &chip) { return chip.name == name; });
  return chip == std::end(chipTable) ? nullptr : chip;
}

FailureOr<const Chip *>
lookupChip(StringRef name, StringRef pipeline,
           function_ref<InFlightDiagnostic()> emitError) {
  if (const Chip *chip = findChip(name))
    return chip;
  return emitError() << "option 'chip' of '" << pipeline << "' got \"" << name
                     << "\"; accepted are " << chipNames();
}

} // namespace indexer
