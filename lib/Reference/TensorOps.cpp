//===- TensorOps.cpp - Ops that move elements -----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constants and the tensor dialect. Elements keep all their channels.
//
//===----------------------------------------------------------------------===//
#include "Frame.h"
#include "LoopNest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace mlir;

namespace indexer::reference {

using TensorPtr = std::shared_ptr<const RefTensor>;
using Result = FailureOr<RefValue>;

int64_t Frame::integer(OpFoldResult value) const {
  if (auto attribute = dyn_cast<Attribute>(value))
    return cast<IntegerAttr>(attribute).getInt();
  return integer(cast<Value>(value));
}

SmallVector<int64_t> Frame::integers(ArrayRef<OpFoldResult> list) const {
  return llvm::map_to_vector(
      list, [&](OpFoldResult value) { return integer(value); });
}

SmallVector<int64_t> Frame::integers(ValueRange list) const {
  return llvm::map_to_vector(list, [&](Value value) { return integer(value); });
}

/// A tensor as a value; undefinedTensor makes it.
static RefValue share(std::shared_ptr<RefTensor> tensor) {
  return TensorPtr(std::move(tensor));
}

/// Stores `scalar` at position `index`, with the channels it needs.
static void setElement(RefTensor &tensor, int64_t index,
                       const RefScalar &scalar) {
  const RefElement &element = scalar.element;
  tensor.roundings = std::max(tensor.roundings, element.roundings);
  if (tensor.flip.empty() && element.flip != 0)
    tensor.flip.assign(tensor.size(), 0);
  if (!tensor.flip.empty())
    tensor.flip[index] = element.flip;
  if (tensor.isInteger) {
    tensor.integers[index] = scalar.integer;
    return;
  }
  tensor.values[index] = element.value;
  double exact = RefElement::exact(element.value).magnitude;
  if (tensor.magnitude.empty() && element.magnitude != exact) {
    tensor.magnitude.resize(tensor.size());
    for (auto [magnitude, value] : llvm::zip(tensor.magnitude, tensor.values))
      magnitude = RefElement::exact(value).magnitude;
  }
  if (!tensor.magnitude.empty())
    tensor.magnitude[index] = element.magnitude;
}

/// A tensor of `shape` with every element `scalar`.
static RefValue makeSplat(ArrayRef<int64_t> shape, const RefScalar &scalar) {
  auto tensor = undefinedTensor(shape, scalar.isInteger);
  for (int64_t index = 0, size = tensor->size(); index < size; ++index)
    setElement(*tensor, index, scalar);
  return share(tensor);
}

//===-- Constants -----------------------------------------------------------//

static RefScalar toScalar(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return RefScalar::ofFloat(value.convertToDouble());
}

static RefScalar toScalar(const APInt &value) {
  return RefScalar::ofInteger(value.getBitWidth() == 1 ? value.getZExtValue()
                                                       : value.getSExtValue());
}

/// The elements of a dense attribute as `Element`, APFloat or APInt.
template <typename Element>
static RefValue evaluateDense(DenseElementsAttr value) {
  ArrayRef<int64_t> shape = value.getType().getShape();
  if (value.isSplat())
    return makeSplat(shape, toScalar(value.getSplatValue<Element>()));
  auto tensor = undefinedTensor(shape, value.getElementType().isIntOrIndex());
  for (auto [index, element] : llvm::enumerate(value.getValues<Element>()))
    setElement(*tensor, index, toScalar(element));
  return share(tensor);
}

std::optional<RefValue> evaluateConstant(Attribute attribute) {
  if (auto value = dyn_cast<FloatAttr>(attribute))
    return toScalar(value.getValue());
  if (auto value = dyn_cast<IntegerAttr>(attribute))
    return toScalar(value.getValue());
  if (auto value = dyn_cast<DenseElementsAttr>(attribute)) {
    if (!isa<RankedTensorType>(value.getType()) ||
        isTooLarge(value.getType().getShape()))
      return std::nullopt;
    if (isa<FloatType>(value.getElementType()))
      return evaluateDense<APFloat>(value);
    if (value.getElementType().isIntOrIndex())
      return evaluateDense<APInt>(value);
    return std::nullopt;
  }
  if (auto value = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    AsmResourceBlob *blob = value.getRawHandle().getBlob();
    Type type = value.getType().getElementType();
    ArrayRef<int64_t> shape = value.getType().getShape();
    if (!blob || isTooLarge(shape) || !type.isIntOrIndexOrFloat() ||
        type.isInteger(1) || type.isIndex() ||
        int64_t(blob->getData().size()) <
            sizeOf(shape) * int64_t(type.getIntOrFloatBitWidth() / 8))
      return std::nullopt;
    auto tensor = readHostTensor(blob->getData().data(), type, shape);
    if (tensor)
      return share(tensor);
  }
  return std::nullopt;
}

//===-- Types ---------------------------------------------------------------//

/// "[4, 7168]".
static std::string printShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "[";
  llvm::interleaveComma(shape, stream);
  stream << "]";
  return text;
}

/// Whether `shape` has the rank and the static extents of `type`.
static bool fits(ArrayRef<int64_t> shape, RankedTensorType type) {
  return shape.size() == size_t(type.getRank()) &&
         llvm::all_of(llvm::zip(shape, type.getShape()), [](auto pair) {
           auto [extent, expected] = pair;
           return ShapedType::isDynamic(expected) || extent == expected;
         });
}

bool hasType(const RefValue &value, Type type, std::string &why) {
  bool isInteger = getElementTypeOrSelf(type).isIntOrIndex();
  auto tensorType = dyn_cast<RankedTensorType>(type);
  auto *tensor = std::get_if<0>(&value);
  if ((tensor != nullptr) != (tensorType != nullptr)) {
    why = tensor ? "a tensor" : "a scalar";
    return false;
  }
  if (isInteger !=
      (tensor ? (*tensor)->isInteger : std::get<RefScalar>(value).isInteger)) {
    why = isInteger ? "float elements" : "integer elements";
    return false;
  }
  if (tensor && !fits((*tensor)->shape, tensorType)) {
    why = "shape " + printShape((*tensor)->shape);
    return false;
  }
  return true;
}

//===-- Ops -----------------------------------------------------------------//

/// `type` with its dynamic extents replaced by `dynamic`, in order.
static SmallVector<int64_t> fillShape(RankedTensorType type,
                                      ArrayRef<int64_t> dynamic) {
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t &extent : shape) {
    if (!ShapedType::isDynamic(extent))
      continue;
    extent = dynamic.front();
    dynamic = dynamic.drop_front();
  }
  return shape;
}

static LogicalResult wrongSize(Operation *op, ArrayRef<int64_t> shape) {
  return op->emitError("'")
         << op->getName() << "' makes shape " << printShape(shape)
         << ", expected extents of at least 0 and at most 2^32 elements";
}

static Result evaluate(tensor::EmptyOp op, const Frame &frame) {
  SmallVector<int64_t> shape =
      fillShape(op.getType(), frame.integers(op.getDynamicSizes()));
  if (isTooLarge(shape))
    return wrongSize(op, shape);
  bool isInteger = op.getType().getElementType().isIntOrIndex();
  return share(undefinedTensor(shape, isInteger));
}

static Result evaluate(tensor::DimOp op, const Frame &frame) {
  const TensorPtr &source = frame.tensor(op.getSource());
  int64_t dim = frame.integer(op.getIndex());
  if (dim < 0 || dim >= int64_t(source->shape.size()))
    return op.emitError("'tensor.dim' asks for dimension ")
           << dim << " of a tensor of rank " << source->shape.size();
  return RefValue(RefScalar::ofInteger(source->shape[dim]));
}

/// `source` with another shape of the same size.
static Result reshape(Operation *op, const TensorPtr &source,
                      ArrayRef<int64_t> shape) {
  if (sizeOf(shape) != source->size())
    return op->emitError("'")
           << op->getName() << "' makes shape " << printShape(shape)
           << " from shape " << printShape(source->shape)
           << ", which has another number of elements";
  auto result = std::make_shared<RefTensor>(*source);
  result->shape.assign(shape.begin(), shape.end());
  return share(result);
}

static Result evaluate(tensor::ExpandShapeOp op, const Frame &frame) {
  return reshape(op, frame.tensor(op.getSrc()),
                 frame.integers(op.getMixedOutputShape()));
}

static Result evaluate(tensor::CollapseShapeOp op, const Frame &frame) {
  const TensorPtr &source = frame.tensor(op.getSrc());
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    shape.push_back(1);
    for (int64_t dim : group)
      shape.back() *= source->shape[dim];
  }
  return reshape(op, source, shape);
}

static Result evaluate(tensor::CastOp op, const Frame &frame) {
  const TensorPtr &source = frame.tensor(op.getSource());
  auto type = dyn_cast<RankedTensorType>(op.getType());
  if (type && !fits(source->shape, type))
    return op.emitError("'tensor.cast' to ")
           << type << " got shape " << printShape(source->shape);
  return RefValue(source);
}

/// Row-major positions of a slice in a tensor of `shape`. Emits an error when
/// it is out of bounds.
static FailureOr<std::vector<int64_t>>
slicePositions(OffsetSizeAndStrideOpInterface op, const Frame &frame,
               ArrayRef<int64_t> shape, SmallVector<int64_t> &sizes) {
  SmallVector<int64_t> offsets = frame.integers(op.getMixedOffsets());
  SmallVector<int64_t> strides = frame.integers(op.getMixedStrides());
  sizes = frame.integers(op.getMixedSizes());
  std::vector<int64_t> positions = {0};
  for (auto [dim, extent] : llvm::enumerate(shape)) {
    int64_t first = offsets[dim], size = sizes[dim], stride = strides[dim];
    int64_t last = first + (size - 1) * stride;
    if (size < 0 || (size > 0 && (std::min(first, last) < 0 ||
                                  std::max(first, last) >= extent)))
      return op->emitError("'")
             << op->getName() << "' takes " << size << " elements from "
             << first << " with stride " << stride << " in dimension " << dim
             << ", which has extent " << extent;
    std::vector<int64_t> next;
    next.reserve(positions.size() * size);
    for (int64_t position : positions)
      for (int64_t index = 0; index < size; ++index)
        next.push_back(position * extent + first + index * stride);
    positions = std::move(next);
  }
  return positions;
}

/// The elements of `source` at `positions`.
template <typename Element>
static std::vector<Element> gather(const std::vector<Element> &source,
                                   const std::vector<int64_t> &positions) {
  std::vector<Element> result;
  if (source.empty())
    return result;
  result.reserve(positions.size());
  for (int64_t position : positions)
    result.push_back(source[position]);
  return result;
}

static Result evaluate(tensor::ExtractSliceOp op, const Frame &frame) {
  const RefTensor &source = *frame.tensor(op.getSource());
  SmallVector<int64_t> sizes;
  auto positions = slicePositions(op, frame, source.shape, sizes);
  if (failed(positions))
    return failure();
  auto result = std::make_shared<RefTensor>();
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (!dropped.test(dim))
      result->shape.push_back(size);
  result->isInteger = source.isInteger;
  result->roundings = source.roundings;
  result->values = gather(source.values, *positions);
  result->integers = gather(source.integers, *positions);
  result->magnitude = gather(source.magnitude, *positions);
  result->flip = gather(source.flip, *positions);
  return share(result);
}

static Result evaluate(tensor::InsertSliceOp op, const Frame &frame) {
  const RefTensor &source = *frame.tensor(op.getSource());
  auto result = std::make_shared<RefTensor>(*frame.tensor(op.getDest()));
  SmallVector<int64_t> sizes;
  auto positions = slicePositions(op, frame, result->shape, sizes);
  if (failed(positions))
    return failure();
  if (int64_t(positions->size()) != source.size())
    return op.emitError("'tensor.insert_slice' writes ")
           << positions->size() << " elements, got " << source.size();
  for (auto [index, position] : llvm::enumerate(*positions))
    setElement(*result, position, source.scalar(index));
  return share(result);
}

static Result evaluate(tensor::SplatOp op, const Frame &frame) {
  SmallVector<int64_t> shape =
      fillShape(op.getType(), frame.integers(op.getDynamicSizes()));
  if (isTooLarge(shape))
    return wrongSize(op, shape);
  return makeSplat(shape, frame.scalar(op.getInput()));
}

static Result evaluate(tensor::FromElementsOp op, const Frame &frame) {
  auto type = cast<RankedTensorType>(op.getType());
  auto tensor =
      undefinedTensor(type.getShape(), type.getElementType().isIntOrIndex());
  for (auto [index, element] : llvm::enumerate(op.getElements()))
    setElement(*tensor, index, frame.scalar(element));
  return share(tensor);
}

static Result evaluate(tensor::InsertOp op, const Frame &frame) {
  auto result = std::make_shared<RefTensor>(*frame.tensor(op.getDest()));
  int64_t position = 0;
  for (auto [dim, index] : llvm::enumerate(frame.integers(op.getIndices()))) {
    if (index < 0 || index >= result->shape[dim])
      return op.emitError("'tensor.insert' writes an element out of bounds");
    position = position * result->shape[dim] + index;
  }
  setElement(*result, position, frame.scalar(op.getScalar()));
  return share(result);
}

std::optional<FailureOr<RefValue>> evaluateTensorOp(Operation *op,
                                                    const Frame &frame) {
  using Optional = std::optional<FailureOr<RefValue>>;
  return TypeSwitch<Operation *, Optional>(op)
      .Case<tensor::EmptyOp, tensor::DimOp, tensor::ExpandShapeOp,
            tensor::CollapseShapeOp, tensor::CastOp, tensor::ExtractSliceOp,
            tensor::InsertSliceOp, tensor::SplatOp, tensor::FromElementsOp,
            tensor::InsertOp>(
          [&](auto tensorOp) -> Optional { return evaluate(tensorOp, frame); })
      .Default([](Operation *) { return std::nullopt; });
}

} // namespace indexer::reference
