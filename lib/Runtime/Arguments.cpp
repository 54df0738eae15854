//===- Arguments.cpp - Arguments of a call, checked and bound -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// First every argument alone against its specification, then each fused op:
// its extents are read where the bundle says, and every operand is reshaped
// (without moving data) and compared with them. A failed check is the only
// thing that allocates.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Arguments.h"

#include "indexer/Runtime/ArgumentText.h"
#include "indexer/Runtime/LastError.h"
#include "indexer/Runtime/Scalar.h"

#include <algorithm>
#include <cstring>

using namespace indexer::runtime;

static_assert(int(ElementType::BF16) == INDEXER_BF16 &&
                  int(ElementType::F16) == INDEXER_F16 &&
                  int(ElementType::F32) == INDEXER_F32 &&
                  int(ElementType::F64) == INDEXER_F64,
              "the C API numbers the element types as Bundle.h does");

namespace {
/// An argument or result, for messages.
struct Position {
  const Bundle &bundle;
  bool isResult;
  unsigned index;

  const ArgumentSpec &spec() const {
    return isResult ? bundle.results[index] : bundle.arguments[index];
  }
};
} // namespace

/// Error about the argument at `position`: "<argument> <what>".
static IndexerStatus reject(const Position &position, const std::string &what) {
  return fail(INDEXER_INVALID_ARGUMENT,
              argumentText(position.bundle, position.isResult, position.index) +
                  " " + what);
}

/// Error: shape as got, shape as accepted, and `rest`.
static IndexerStatus rejectShape(const Position &position,
                                 const IndexerTensor &tensor,
                                 const std::string &rest) {
  return reject(position,
                "has shape " + shapeText(tensor.shape, tensor.rank) +
                    ", expected " +
                    expectedShapeText(position.bundle, position.isResult,
                                      position.index) +
                    rest);
}

/// "a bf16 tensor of shape [T, 7168]" or "an f32 scalar".
static std::string expectedText(const Position &position) {
  const ArgumentSpec &spec = position.spec();
  std::string article = spec.type == ElementType::BF16 ? "a " : "an ";
  std::string text = article + elementTypeName(spec.type);
  if (!spec.isTensor)
    return text + " scalar";
  return text + " tensor of shape " +
         expectedShapeText(position.bundle, position.isResult, position.index);
}

/// Strides of `tensor` in elements: its own, or those of a dense tensor,
/// written to `dense`. Null when they do not fit 64 bits.
static const int64_t *resolveStrides(const IndexerTensor &tensor,
                                     int64_t (&dense)[kMaxRank]) {
  if (tensor.strides)
    return tensor.strides;
  int64_t next = 1;
  for (int dim = tensor.rank - 1; dim >= 0; --dim) {
    dense[dim] = next;
    if (__builtin_mul_overflow(next, std::max<int64_t>(tensor.shape[dim], 1),
                               &next))
      return nullptr;
  }
  return dense;
}

/// True when every element of the non-empty `tensor` is less than 2^63 bytes
/// away from the element of index 0.
static bool isAddressable(const IndexerTensor &tensor, const int64_t *strides,
                          int64_t elementSize) {
  int64_t before = 0, after = 0;
  for (int dim = 0; dim < tensor.rank; ++dim) {
    int64_t reach;
    if (__builtin_mul_overflow(tensor.shape[dim] - 1, strides[dim], &reach) ||
        __builtin_mul_overflow(reach, elementSize, &reach))
      return false;
    int64_t &side = reach < 0 ? before : after;
    if (__builtin_add_overflow(side, reach, &side))
      return false;
  }
  return true;
}

/// Checks `tensor` by itself.
static IndexerStatus checkTensor(const Position &position,
                                 const IndexerTensor &tensor) {
  const ArgumentSpec &spec = position.spec();
  // Not read as the enumeration, which has no name for a wrong number.
  int type;
  std::memcpy(&type, &tensor.type, sizeof type);
  if (type < INDEXER_BF16 || type > INDEXER_F64)
    return reject(position, "has the unknown type " + std::to_string(type) +
                                ", expected " + elementTypeName(spec.type));
  if (ElementType(type) != spec.type)
    return reject(position, std::string("has type ") +
                                elementTypeName(ElementType(type)) +
                                ", expected " + elementTypeName(spec.type));
  if (tensor.rank < 0 || tensor.rank > int(kMaxRank) ||
      (tensor.rank > 0 && !tensor.shape))
    return reject(
        position,
        "has " + std::to_string(tensor.rank) + " dimensions" +
            (tensor.rank > 0 && !tensor.shape ? " and no shape" : "") +
            ", expected " + expectedText(position));
  if (size_t(tensor.rank) != spec.shape.size())
    return rejectShape(position, tensor, "");
  bool isEmpty = false;
  for (int dim = 0; dim < tensor.rank; ++dim) {
    int64_t extent = tensor.shape[dim];
    if (extent < 0 ||
        (spec.shape[dim] != kDynamic && spec.shape[dim] != extent))
      return rejectShape(position, tensor, "");
    isEmpty |= extent == 0;
  }
  size_t size = elementTypeSize(spec.type);
  int64_t dense[kMaxRank];
  const int64_t *strides = resolveStrides(tensor, dense);
  if (!strides || (!isEmpty && !isAddressable(tensor, strides, size)))
    return reject(position, "covers more than 2^63 bytes");
  if (isEmpty)
    return INDEXER_OK;
  if (!tensor.data)
    return reject(position, "has no data (its pointer is null)");
  // A power of two, which the compiler does not see.
  if (reinterpret_cast<uintptr_t>(tensor.data) & (size - 1))
    return reject(position, "is not aligned to its element type (" +
                                std::to_string(size) + " bytes)");
  for (int dim = 0; position.isResult && dim < tensor.rank; ++dim)
    if (strides[dim] == 0 && tensor.shape[dim] > 1)
      return reject(position, "has stride 0 in dimension " +
                                  std::to_string(dim) +
                                  ": its elements would overwrite each other");
  return INDEXER_OK;
}

/// Error when a call has the wrong number of arguments or results.
static IndexerStatus checkCount(const Bundle &bundle, const char *noun,
                                const std::vector<ArgumentSpec> &specs,
                                size_t got) {
  if (got == specs.size())
    return INDEXER_OK;
  std::string names;
  for (const ArgumentSpec &spec : specs)
    if (!spec.name.empty())
      names += (names.empty() ? "" : ", ") + spec.name;
  return fail(INDEXER_INVALID_ARGUMENT,
              "'" + bundle.entry + "' has " + std::to_string(specs.size()) +
                  " " + noun + (specs.size() == 1 ? "" : "s") +
                  (names.empty() ? "" : " (" + names + ")") + ", got " +
                  std::to_string(got));
}

/// Shape of the part of `tensor` that `binding` names: the tensor's own, or a
/// slice's, written to `sliced`.
static const int64_t *partShape(const TensorBinding &binding,
                                const IndexerTensor &tensor,
                                int64_t (&sliced)[kMaxRank]) {
  if (!binding.slice)
    return tensor.shape;
  std::copy_n(tensor.shape, tensor.rank, sliced);
  sliced[binding.slice->dim] = binding.slice->count;
  return sliced;
}

/// Product of the extents in `group`; false when it does not fit 64 bits.
static bool groupExtent(const int64_t *shape,
                        const std::vector<unsigned> &group, int64_t &extent) {
  extent = 1;
  for (unsigned dim : group)
    if (__builtin_mul_overflow(extent, shape[dim], &extent))
      return false;
  return true;
}

/// The one stride that runs over all dimensions of `group`; false when there
/// is none. Dimensions of extent 1 may have any stride.
static bool groupStride(const int64_t *shape, const int64_t *strides,
                        const std::vector<unsigned> &group, int64_t &stride) {
  stride = group.empty() ? 0 : strides[group.back()];
  if (group.size() < 2) // As nearly always.
    return true;
  // Where the next dimension outwards has to continue; unknown at first.
  int64_t next = 0;
  bool isInnermost = true;
  for (size_t i = group.size(); i-- > 0;) {
    unsigned dim = group[i];
    if (shape[dim] == 1)
      continue;
    if (isInnermost)
      stride = strides[dim];
    else if (strides[dim] != next)
      return false;
    isInnermost = false;
    // Overflows only in an empty tensor, for which the result is not used.
    if (__builtin_mul_overflow(strides[dim], shape[dim], &next))
      return false;
  }
  return true;
}

/// Where the part of `tensor` begins that `binding` names.
static void *partData(const TensorBinding &binding, const IndexerTensor &tensor,
                      const int64_t *strides) {
  // An empty tensor may have no data.
  if (!binding.slice || !tensor.data || !binding.slice->count)
    return tensor.data;
  size_t size = elementTypeSize(static_cast<ElementType>(tensor.type));
  return static_cast<char *>(tensor.data) +
         binding.slice->first * strides[binding.slice->dim] * int64_t(size);
}

/// Reshapes `tensor` to an operand of `kernel` and compares it with the
/// extents.
static IndexerStatus bindOperand(const Position &position,
                                 const IndexerTensor &tensor,
                                 const FusedKernel &kernel, unsigned operand,
                                 const int64_t *extents, BoundOperand &bound) {
  const TensorBinding &binding = kernel.operands[operand];
  int64_t sliced[kMaxRank], dense[kMaxRank];
  const int64_t *shape = partShape(binding, tensor, sliced);
  // Not null: they were checked with the tensor.
  const int64_t *strides = resolveStrides(tensor, dense);
  uint32_t grouped = 0;
  bool isEmpty = false;
  for (int dim = 0; dim < tensor.rank; ++dim)
    isEmpty |= shape[dim] == 0;
  bound.data = partData(binding, tensor, strides);
  for (size_t i = 0; i < binding.groups.size(); ++i) {
    const std::vector<unsigned> &group = binding.groups[i];
    unsigned loop = binding.loops[i];
    int64_t extent;
    if (!groupExtent(shape, group, extent) ||
        extent != expectedExtent(binding, loop, extents))
      return rejectShape(
          position, tensor,
          " with " + extentsText(position.bundle, kernel, operand, extents));
    if (!groupStride(shape, strides, group, bound.strides[i]) && !isEmpty)
      return reject(position, "has shape " + shapeText(shape, tensor.rank) +
                                  " and strides " +
                                  shapeText(strides, tensor.rank) +
                                  ": the dimensions of " + loopText(loop) +
                                  " cannot be collapsed without a copy");
    for (unsigned dim : group)
      grouped |= 1u << dim;
  }
  static_assert(kMaxRank <= 32, "dimensions are counted in 32 bits");
  for (int dim = 0; dim < tensor.rank; ++dim)
    if (!(grouped >> dim & 1) && shape[dim] != 1)
      return rejectShape(position, tensor, "");
  return INDEXER_OK;
}

/// Binds one fused op to arguments that are right by themselves.
static IndexerStatus bindKernel(const Bundle &bundle, const FusedKernel &kernel,
                                const IndexerArgument *arguments,
                                const IndexerTensor *results,
                                BoundKernel &bound) {
  unsigned count = kernel.operands.size();
  unsigned firstResult = count - kernel.numResults;
  auto tensorOf = [&](unsigned operand) -> const IndexerTensor & {
    unsigned index = kernel.operands[operand].argument;
    return operand >= firstResult ? results[index] : arguments[index].tensor;
  };
  auto positionOf = [&](unsigned operand) {
    return Position{bundle, operand >= firstResult,
                    kernel.operands[operand].argument};
  };
  for (unsigned loop = 0; loop < kLoops; ++loop) {
    const ExtentBinding &extent = kernel.extents[loop];
    bound.extents[loop] = extent.extent;
    if (extent.extent != kDynamic)
      continue;
    const TensorBinding &binding = kernel.operands[extent.operand];
    int64_t sliced[kMaxRank];
    if (!groupExtent(partShape(binding, tensorOf(extent.operand), sliced),
                     binding.groups[extent.dim], bound.extents[loop]))
      return reject(positionOf(extent.operand), "has more than 2^63 elements");
  }
  if (bound.extents[2] == 0)
    return rejectShape(positionOf(0), tensorOf(0), " with E at least 1");
  for (unsigned operand = 0; operand < count; ++operand)
    if (IndexerStatus status =
            bindOperand(positionOf(operand), tensorOf(operand), kernel, operand,
                        bound.extents, bound.operands[operand]))
      return status;
  for (size_t i = 0; i < kernel.scalars.size(); ++i) {
    const ScalarBinding &scalar = kernel.scalars[i];
    bound.scalars[i] =
        scalar.isConstant ? scalar.constant
                          : roundToType(arguments[scalar.argument].scalar,
                                        bundle.arguments[scalar.argument].type);
  }
  return INDEXER_OK;
}

IndexerStatus indexer::runtime::bindArguments(
    const Bundle &bundle, const IndexerArgument *arguments, size_t numArguments,
    const IndexerTensor *results, size_t numResults,
    BoundKernel (&bound)[kMaxKernels]) {
  if (IndexerStatus status =
          checkCount(bundle, "argument", bundle.arguments, numArguments))
    return status;
  if (IndexerStatus status =
          checkCount(bundle, "result", bundle.results, numResults))
    return status;
  if ((numArguments && !arguments) || (numResults && !results))
    return fail(INDEXER_INVALID_ARGUMENT,
                std::string(arguments ? "'results'" : "'arguments'") +
                    " is null");
  for (unsigned i = 0; i < numArguments; ++i) {
    Position position = {bundle, /*isResult=*/false, i};
    bool isTensor = arguments[i].is_tensor != 0;
    if (isTensor != position.spec().isTensor)
      return reject(position, std::string("is a ") +
                                  (isTensor ? "tensor" : "scalar") +
                                  ", expected " + expectedText(position));
    if (!isTensor)
      continue;
    if (IndexerStatus status = checkTensor(position, arguments[i].tensor))
      return status;
  }
  for (unsigned i = 0; i < numResults; ++i)
    if (IndexerStatus status =
            checkTensor({bundle, /*isResult=*/true, i}, results[i]))
      return status;
  for (size_t i = 0; i < bundle.kernels.size(); ++i)
    if (IndexerStatus status =
            bindKernel(bundle, bundle.kernels[i], arguments, results, bound[i]))
      return status;
  return INDEXER_OK;
}
