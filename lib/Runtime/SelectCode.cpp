//===- SelectCode.cpp - Which code object runs on a device ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules are NVIDIA's (CUDA C++ programming guide, "Application
// compatibility" and "Feature set compiler targets"): machine code runs on the
// same major version and an equal or higher minor one; with suffix "a" on
// exactly its own version; PTX compiles for any equal or higher version, with
// "a" for exactly its own, with "f" for its own major version.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/SelectCode.h"

using namespace indexer::runtime;

namespace {
/// A chip name taken apart; version 0 when it is none.
struct Chip {
  /// 10 * major + minor.
  int version = 0;
  /// 'a', 'f' or 0.
  char suffix = 0;
};
} // namespace

/// Reads "sm_90a".
static Chip parseChip(const std::string &name) {
  Chip chip;
  if (name.compare(0, 3, "sm_") != 0)
    return chip;
  size_t i = 3;
  int version = 0;
  for (; i < name.size() && i < 7 && name[i] >= '0' && name[i] <= '9'; ++i)
    version = 10 * version + (name[i] - '0');
  if (i + 1 == name.size() && (name[i] == 'a' || name[i] == 'f'))
    chip.suffix = name[i];
  else if (i != name.size())
    return chip;
  chip.version = version;
  return chip;
}

/// True when `object` can be loaded on a device of this version.
static bool runsOn(const CodeObject &object, const Chip &chip, int version) {
  if (!chip.version)
    return false;
  if (chip.suffix == 'a')
    return chip.version == version;
  bool sameMajor = chip.version / 10 == version / 10;
  if (object.format == "ptx" && chip.suffix != 'f')
    return chip.version <= version;
  return sameMajor && chip.version <= version;
}

std::string indexer::runtime::chipName(int major, int minor) {
  return "sm_" + std::to_string(10 * major + minor) + (major >= 9 ? "a" : "");
}

std::vector<const CodeObject *>
indexer::runtime::selectCode(const Bundle &bundle, int major, int minor) {
  const CodeObject *best = nullptr;
  int bestRank = 0;
  for (const CodeObject &object : bundle.objects) {
    Chip chip = parseChip(object.chip);
    if (!runsOn(object, chip, 10 * major + minor))
      continue;
    // Machine code before PTX, then the newest chip, then the one with suffix.
    int rank = 2 * chip.version + (chip.suffix ? 1 : 0) +
               (object.format == "cubin" ? 1 << 16 : 0);
    if (rank > bestRank) {
      best = &object;
      bestRank = rank;
    }
  }
  std::vector<const CodeObject *> chosen;
  for (const CodeObject &object : bundle.objects)
    if (best && object.chip == best->chip && object.format == best->format)
      chosen.push_back(&object);
  return chosen;
}

std::string indexer::runtime::chipsText(const Bundle &bundle) {
  std::string text;
  for (size_t i = 0; i < bundle.objects.size(); ++i) {
    bool isRepeated = false;
    for (size_t k = 0; k < i; ++k)
      isRepeated |= bundle.objects[k].chip == bundle.objects[i].chip;
    if (!isRepeated)
      text += (text.empty() ? "" : ", ") + bundle.objects[i].chip;
  }
  return text;
}
