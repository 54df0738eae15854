//===- HostFunction.cpp - A function compiled for this machine ------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/ExecutionEngine/HostFunction.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace indexer;

namespace {

/// MLIR's descriptor of a ranked memref: two pointers, offset, sizes, strides.
class Descriptor {
public:
  explicit Descriptor(int64_t rank) : rank(rank), words(3 + 2 * rank) {}

  /// Describes contiguous memory.
  Descriptor(void *data, ArrayRef<int64_t> shape) : Descriptor(shape.size()) {
    words[0] = words[1] = reinterpret_cast<int64_t>(data);
    int64_t stride = 1;
    for (int64_t dim = rank - 1; dim >= 0; --dim) {
      words[3 + dim] = shape[dim];
      words[3 + rank + dim] = stride;
      stride *= shape[dim];
    }
  }

  void *allocated() const { return reinterpret_cast<void *>(words[0]); }
  char *aligned() const { return reinterpret_cast<char *>(words[1]); }
  int64_t offset() const { return words[2]; }
  ArrayRef<int64_t> sizes() const { return ArrayRef(words).slice(3, rank); }
  ArrayRef<int64_t> strides() const {
    return ArrayRef(words).slice(3 + rank, rank);
  }
  int64_t *data() { return words.data(); }
  size_t size() const { return words.size(); }

private:
  int64_t rank;
  SmallVector<int64_t> words;
};

} // namespace

/// Strides of contiguous memory of this shape.
static SmallVector<int64_t> contiguousStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (int64_t dim = shape.size() - 1; dim >= 0; --dim) {
    strides[dim] = stride;
    stride *= shape[dim];
  }
  return strides;
}

/// Copies elements of `size` bytes between two strided memories of one shape.
static void copyStrided(char *to, ArrayRef<int64_t> toStrides, const char *from,
                        ArrayRef<int64_t> fromStrides, ArrayRef<int64_t> shape,
                        size_t size) {
  if (llvm::is_contained(shape, 0))
    return;
  SmallVector<int64_t> contiguous = contiguousStrides(shape);
  int64_t elements = 1;
  for (int64_t extent : shape)
    elements *= extent;
  if (toStrides == ArrayRef(contiguous) &&
      fromStrides == ArrayRef(contiguous)) {
    std::memcpy(to, from, elements * size);
    return;
  }
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t element = 0; element < elements; ++element) {
    int64_t source = 0, target = 0;
    for (auto [dim, i] : llvm::enumerate(index)) {
      source += i * fromStrides[dim];
      target += i * toStrides[dim];
    }
    std::memcpy(to + target * static_cast<int64_t>(size),
                from + source * static_cast<int64_t>(size), size);
    for (int64_t dim = shape.size() - 1; dim >= 0; --dim) {
      if (++index[dim] < shape[dim])
        break;
      index[dim] = 0;
    }
  }
}

/// What memref.copy calls for layouts that are no plain memory: the unranked
/// descriptors hold a rank and a pointer to the ranked one.
static void memrefCopy(int64_t elementSize, int64_t sourceRank, void *source,
                       int64_t targetRank, void *target) {
  auto *from = static_cast<int64_t *>(source);
  auto *to = static_cast<int64_t *>(target);
  auto strides = [](int64_t *words, int64_t rank) {
    return ArrayRef<int64_t>(words + 3 + rank, rank);
  };
  char *fromData = reinterpret_cast<char *>(from[1]) + from[2] * elementSize;
  char *toData = reinterpret_cast<char *>(to[1]) + to[2] * elementSize;
  copyStrided(toData, strides(to, targetRank), fromData,
              strides(from, sourceRank),
              ArrayRef<int64_t>(from + 3, sourceRank), elementSize);
}

/// The C entry that the generated code calls.
static void memrefCopyEntry(int64_t elementSize, void *source, void *target) {
  struct Unranked {
    int64_t rank;
    void *descriptor;
  };
  auto *from = static_cast<Unranked *>(source);
  auto *to = static_cast<Unranked *>(target);
  memrefCopy(elementSize, from->rank, from->descriptor, to->rank,
             to->descriptor);
}

HostFunction::~HostFunction() = default;

llvm::Expected<std::unique_ptr<HostFunction>>
HostFunction::compile(ModuleOp module, StringRef name, FunctionType type) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialized;

  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  auto machine = builder->createTargetMachine();
  if (!machine)
    return machine.takeError();
  ExecutionEngineOptions options;
  // On by default: the one writes a dump below the user's home for each
  // function, and ends the process where it cannot.
  options.enablePerfNotificationListener = false;
  options.enableGDBNotificationListener = false;
  auto optimize = makeOptimizingTransformer(/*optLevel=*/3, /*sizeLevel=*/0,
                                            machine->get());
  options.transformer = optimize;
  options.jitCodeGenOptLevel = llvm::CodeGenOptLevel::Aggressive;
  auto engine = ExecutionEngine::create(module, options, std::move(*machine));
  if (!engine)
    return engine.takeError();
  (*engine)->registerSymbols([](llvm::orc::MangleAndInterner interner) {
    llvm::orc::SymbolMap symbols;
    symbols[interner("memrefCopy")] = {
        llvm::orc::ExecutorAddr::fromPtr(&memrefCopyEntry),
        llvm::JITSymbolFlags::Exported};
    return symbols;
  });
  auto entry = (*engine)->lookupPacked(("_mlir_ciface_" + name).str());
  if (!entry)
    return entry.takeError();
  std::unique_ptr<HostFunction> function(new HostFunction());
  function->engine = std::move(*engine);
  function->entry = *entry;
  function->type = type;
  return function;
}

llvm::Error HostFunction::call(ArrayRef<HostArgument> arguments,
                               ArrayRef<HostTensor> results) const {
  assert(arguments.size() == type.getNumInputs() &&
         results.size() == type.getNumResults());
  auto elementSize = [](Type tensor) {
    return cast<RankedTensorType>(tensor).getElementTypeBitWidth() / 8;
  };

  // The results come back as one struct of descriptors.
  SmallVector<int64_t> returned;
  for (Type result : type.getResults())
    returned.resize(
        returned.size() +
        Descriptor(cast<RankedTensorType>(result).getRank()).size());
  void *returnedPointer = returned.data();

  SmallVector<std::unique_ptr<char[]>> copies;
  SmallVector<Descriptor, 0> descriptors;
  descriptors.reserve(arguments.size());
  SmallVector<void *> descriptorPointers(arguments.size());
  SmallVector<uint64_t> scalars(arguments.size());
  SmallVector<void *> packed;
  if (!results.empty())
    packed.push_back(&returnedPointer);
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    Type argumentType = type.getInput(i);
    if (!isa<RankedTensorType>(argumentType)) {
      scalars[i] = argument.scalarBits;
      packed.push_back(&scalars[i]);
      continue;
    }
    const HostTensor &tensor = argument.tensor;
    void *data = tensor.data;
    SmallVector<int64_t> contiguous = contiguousStrides(tensor.shape);
    if (!tensor.strides.empty() && tensor.strides != ArrayRef(contiguous)) {
      size_t size = elementSize(argumentType);
      int64_t elements = 1;
      for (int64_t extent : tensor.shape)
        elements *= extent;
      copies.push_back(std::make_unique<char[]>(elements * size));
      data = copies.back().get();
      copyStrided(static_cast<char *>(data), contiguous,
                  static_cast<const char *>(tensor.data), tensor.strides,
                  tensor.shape, size);
    }
    descriptors.emplace_back(data, tensor.shape);
    descriptorPointers[i] = descriptors.back().data();
    packed.push_back(&descriptorPointers[i]);
  }
  entry(packed.data());

  // Take the results over into the caller's memory.
  llvm::Error error = llvm::Error::success();
  int64_t *words = returned.data();
  for (auto [i, result] : llvm::enumerate(results)) {
    auto resultType = cast<RankedTensorType>(type.getResult(i));
    Descriptor descriptor(resultType.getRank());
    std::copy_n(words, descriptor.size(), descriptor.data());
    words += descriptor.size();
    if (descriptor.sizes() != result.shape) {
      error = llvm::joinErrors(
          std::move(error),
          llvm::createStringError("result %zu came out in another shape than "
                                  "the caller has memory for",
                                  i));
    } else {
      size_t size = elementSize(resultType);
      SmallVector<int64_t> contiguous = contiguousStrides(result.shape);
      copyStrided(static_cast<char *>(result.data),
                  result.strides.empty() ? ArrayRef<int64_t>(contiguous)
                                         : result.strides,
                  descriptor.aligned() +
                      descriptor.offset() * static_cast<int64_t>(size),
                  descriptor.strides(), result.shape, size);
    }
    std::free(descriptor.allocated());
  }
  return error;
}
