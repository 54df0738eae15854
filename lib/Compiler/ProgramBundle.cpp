//===- ProgramBundle.cpp - The bundles of a program -----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle comes from the cache, or is compiled for one chip after the other.
//
//===----------------------------------------------------------------------===//

#include "BuildId.h"
#include "Diagnostics.h"
#include "Stage.h"

#include "indexer/Compiler/BackgroundBundle.h"
#include "indexer/Compiler/BundleCache.h"
#include "indexer/Compiler/Program.h"
#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/MergeBundles.h"
#include "indexer/Schedule/Chips.h"
#include "indexer/Target/Assembler.h"
#include "indexer/Target/KernelBundle.h"
#include "indexer/Target/Ptxas.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"

using namespace mlir;
using namespace indexer;

llvm::Expected<StringRef> Program::bundle() {
  return bundleFor({StringRef(programOptions.chip)});
}

llvm::Expected<runtime::Bundle>
Program::makeChipBundle(const ProgramOptions &options) {
  // The stages behind "fused", which is the same for all chips; fewer where the
  // program has already made some of the same kernels.
  bool isSame = options.chip == programOptions.chip && !options.tokens;
  SmallVector<const Stage *> way;
  StringRef name = "cubin";
  do {
    way.push_back(findStage(name));
    name = way.back()->from;
  } while (name != "fused" && !(isSame && modules.contains(name)));
  llvm::Expected<ModuleOp> from = moduleAt(name);
  if (!from)
    return from.takeError();
  OwningOpRef<ModuleOp> module = from->clone();
  for (const Stage *stage : llvm::reverse(way))
    if (llvm::Error error = runStage(*stage, *module, options))
      return std::move(error);
  FailureOr<runtime::Bundle> bundle =
      makeBundle(*module, entryFunction.getName());
  if (failed(bundle))
    return diagnostics->takeError();
  return std::move(*bundle);
}

llvm::Expected<std::string> Program::compileFor(ArrayRef<StringRef> chips) {
  std::vector<runtime::Bundle> parts;
  for (StringRef chip : chips) {
    ProgramOptions options = programOptions;
    options.chip = chip.str();
    llvm::Expected<runtime::Bundle> part = makeChipBundle(options);
    if (!part)
      return part.takeError();
    parts.push_back(std::move(*part));
  }
  runtime::Bundle merged;
  std::string error;
  if (!runtime::mergeBundles(parts, merged, error))
    return llvm::createStringError(error);
  return runtime::serialize(merged);
}

std::string Program::cacheKey(ArrayRef<StringRef> chips) {
  std::string id = buildId();
  if (id.empty())
    return "";
  CacheKey key;
  key.add(id);
  key.add(LLVM_VERSION_STRING);
  key.add(sourceText);
  key.add(entryFunction.getName());
  key.add(programOptions.weights);
  key.add(programOptions.batchInvariant ? "batch-invariant" : "");
  key.add(llvm::itostr(programOptions.smBudget));
  SmallVector<std::string> ignored;
  for (StringRef chip : chips) {
    key.add(chip);
    auto assembler = findAssembler(programOptions.ptxas,
                                   findChip(chip)->ptxVersion, ignored);
    key.add(assembler ? assembler->version() : "");
    key.add(assembler ? fileStamp(assembler->file()) : "");
  }
  key.add(fileStamp(findLibdevice(programOptions.ptxas, ignored)));
  return key.text();
}

std::optional<std::string> Program::findCached(ArrayRef<StringRef> chips,
                                               std::string &key) {
  if (!programOptions.useCache)
    return std::nullopt;
  auto start = std::chrono::steady_clock::now();
  BundleCache cache = BundleCache::fromEnvironment();
  if (cache.isBroken())
    addWarning("nothing is cached: " + cache.whyOff().str());
  key = cache.isOn() ? cacheKey(chips) : "";
  if (key.empty())
    return std::nullopt;
  std::string warning;
  std::optional<std::string> found = cache.find(key, warning);
  addWarning(std::move(warning));
  addTiming("cache", start);
  return found;
}

llvm::Expected<std::string> Program::findFor(ArrayRef<StringRef> chips) {
  size_t knownWarnings = warningList.size();
  std::string key;
  if (std::optional<std::string> found = findCached(chips, key)) {
    lastCacheUse = "hit";
    return std::move(*found);
  }
  lastCacheUse = key.empty() ? "off" : "miss";
  bool isReadable = warningList.size() == knownWarnings;
  llvm::Expected<std::string> made = compileFor(chips);
  if (!made || key.empty())
    return made;
  std::string warning;
  BundleCache::fromEnvironment().add(key, *made, warning);
  // One line: what was wrong with reading is wrong with writing.
  if (isReadable)
    addWarning(std::move(warning));
  return made;
}

bool Program::hasBundle() {
  StringRef chip = programOptions.chip;
  if (chipBundles.contains(chip))
    return true;
  std::string key;
  std::optional<std::string> found = findCached({chip}, key);
  if (!found)
    return false;
  lastCacheUse = "hit";
  chipBundles[chip] = std::move(*found);
  return true;
}

std::shared_ptr<BackgroundBundle> Program::bundleInBackground() {
  if (!background)
    background =
        BackgroundBundle::start(sourceText, sourceName, programOptions);
  return background;
}

llvm::Expected<std::string> Program::waitForBackground() {
  const BackgroundBundle::Outcome *outcome = background->wait();
  if (!outcome) {
    background = nullptr;
    return findFor({StringRef(programOptions.chip)});
  }
  for (const std::string &warning : outcome->warnings)
    addWarning(warning);
  if (!outcome->error.empty())
    return llvm::createStringError(outcome->error);
  lastCacheUse = outcome->cacheUse;
  timingList.emplace_back("background", outcome->milliseconds);
  return outcome->bytes;
}

llvm::Expected<StringRef> Program::bundleFor(ArrayRef<StringRef> chips) {
  std::string key = llvm::join(chips, ", ");
  if (auto it = chipBundles.find(key); it != chipBundles.end())
    return StringRef(it->second);
  if (chips.empty())
    return llvm::createStringError(
        "a bundle needs at least one chip; accepted are " + chipNames());
  for (StringRef chip : chips) {
    if (!findChip(chip))
      return llvm::createStringError("chip \"" + chip.str() +
                                     "\" is not known; accepted are " +
                                     chipNames());
    if (llvm::count(chips, chip) > 1)
      return llvm::createStringError("chip \"" + chip.str() +
                                     "\" is named twice");
  }
  lastCacheUse = "off";
  llvm::Expected<std::string> bytes =
      background && chips == ArrayRef(StringRef(programOptions.chip))
          ? waitForBackground()
          : findFor(chips);
  if (!bytes)
    return bytes.takeError();
  return StringRef(chipBundles[key] = std::move(*bytes));
}
