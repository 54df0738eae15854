//===- GateCalls.cpp - The head gate of CUDA tensors, the short way -------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decode step calls the gate once a layer, and the kernel takes two to three
// microseconds: what the host does around it decides. So the tensors are read
// by torch's DLPack exchange API, one C call each; the result is made by the
// function that compiled torch code uses; the stream comes from the exchange
// API too.
//
//===----------------------------------------------------------------------===//
#include "GateCalls.h"

#include "Errors.h"

#include <algorithm>
#include <cmath>

namespace nb = nanobind;
using namespace indexer::python;

bool GateCalls::Signature::operator==(const Signature &other) const {
  return device == other.device && types[0] == other.types[0] &&
         types[1] == other.types[1] && types[2] == other.types[2] &&
         hidden == other.hidden && heads == other.heads;
}

GateCalls::GateCalls(nb::object isGradEnabled,
                     nb::typed<nb::list, nb::object> modes,
                     nb::object emptyStrided, nb::object currentDevice,
                     nb::object isNegative)
    : isGradEnabled(std::move(isGradEnabled)),
      emptyStrided(std::move(emptyStrided)),
      currentDevice(std::move(currentDevice)),
      isNegative(std::move(isNegative)) {
  for (nb::handle mode : modes)
    this->modes.push_back(nb::borrow(mode));
}

bool GateCalls::readSignature(const dlpack::Tensor *views,
                              Signature &signature) {
  const dlpack::Tensor &x = views[0], &weight = views[1], &scale = views[2];
  if (x.rank != 2 || weight.rank != 2 || scale.rank < 2 || scale.rank > 3 ||
      x.shape[1] != weight.shape[1] || scale.shape[0] != x.shape[0] ||
      scale.shape[1] != weight.shape[0] ||
      (scale.rank == 3 && scale.shape[2] != 1))
    return false;
  for (int i = 0; i < 3; ++i)
    if (views[i].deviceType != dlpack::Cuda ||
        views[i].deviceId != x.deviceId ||
        !dlpack::elementTypeOf(views[i], signature.types[i]))
      return false;
  signature.device = x.deviceId;
  signature.hidden = x.shape[1];
  signature.heads = weight.shape[0];
  return true;
}

/// Calls `function` without arguments, and asks whether the result is true.
static bool isTrue(const nb::object &function) {
  nb::object result = nb::steal(PyObject_CallNoArgs(function.ptr()));
  if (!result)
    throw nb::python_error();
  return PyObject_IsTrue(result.ptr()) == 1;
}

bool GateCalls::isShort(const nb::handle *tensors, size_t count) const {
  const TorchApi &torch = TorchApi::get();
  for (size_t i = 0; i < count; ++i)
    if (!torch.isPlain(tensors[i]))
      return false;
  static PyObject *const requiresGrad =
      PyUnicode_InternFromString("requires_grad");
  if (isTrue(isGradEnabled))
    for (size_t i = 0; i < count; ++i) {
      nb::object flag =
          nb::steal(PyObject_GetAttr(tensors[i].ptr(), requiresGrad));
      if (flag.ptr() != Py_False)
        return false;
    }
  for (const nb::object &mode : modes)
    if (isTrue(mode))
      return false;
  return true;
}

static IndexerTensor toTensor(const dlpack::Tensor &view, IndexerType type) {
  return {dlpack::dataOf(view), type, view.rank, view.shape, view.strides};
}

void GateCalls::add(nb::handle x, nb::handle weight, nb::handle qScale,
                    nb::object kernel) {
  const TorchApi &torch = TorchApi::get();
  nb::handle tensors[] = {x, weight, qScale};
  dlpack::Tensor views[3];
  Entry entry;
  for (int i = 0; i < 3; ++i) {
    if (!torch.exchange || !torch.isPlain(tensors[i]))
      return;
    if (torch.exchange->view(tensors[i].ptr(), &views[i]))
      throw nb::python_error();
  }
  if (!readSignature(views, entry.signature))
    return;
  for (const Entry &known : entries)
    if (known.signature == entry.signature)
      return;
  entry.kernel = nb::inst_ptr<Kernel>(kernel);
  entry.owner = std::move(kernel);
  entries.push_back(std::move(entry));
}

nb::object GateCalls::call(nb::handle x, nb::handle weight, nb::handle qScale,
                           nb::handle softmaxScale, nb::handle headScale,
                           nb::handle out) const {
  nb::object notHere = nb::borrow(Py_NotImplemented);
  const TorchApi &torch = TorchApi::get();
  nb::handle tensors[] = {x, weight, qScale, out};
  bool isGiven = !out.is_none();
  size_t count = isGiven ? 4 : 3;
  if (entries.empty() || !torch.exchange || !isShort(tensors, count))
    return notHere;

  dlpack::Tensor views[4];
  for (size_t i = 0; i < count; ++i)
    if (torch.exchange->view(tensors[i].ptr(), &views[i]))
      throw nb::python_error();
  Signature signature;
  if (!readSignature(views, signature))
    return notHere;
  // float32 tensors alone may be the lazily negated half of a complex one.
  for (size_t i = 0; i < 3; ++i)
    if (signature.types[i] == INDEXER_F32) {
      PyObject *argument[] = {tensors[i].ptr()};
      nb::object negative = nb::steal(
          PyObject_Vectorcall(isNegative.ptr(), argument, 1, nullptr));
      if (negative.ptr() != Py_False)
        return notHere;
    }
  const Kernel *kernel = nullptr;
  for (const Entry &entry : entries)
    if (entry.signature == signature)
      kernel = entry.kernel;
  double scales[2] = {std::pow(double(signature.heads), -0.5), 0};
  nb::handle given[2] = {headScale, softmaxScale};
  for (int i = 0; i < 2; ++i)
    if (PyFloat_CheckExact(given[i].ptr()))
      scales[i] = PyFloat_AsDouble(given[i].ptr());
    else if (i || !headScale.is_none())
      return notHere;
  if (!kernel)
    return notHere;

  int64_t tokens = views[0].shape[0];
  nb::object made;
  if (!isGiven) {
    nb::object current = nb::steal(PyObject_CallNoArgs(currentDevice.ptr()));
    if (!current || PyLong_AsLong(current.ptr()) != signature.device) {
      PyErr_Clear();
      return notHere;
    }
    made = emptyStrided(nb::make_tuple(tokens, signature.heads, 1),
                        nb::make_tuple(signature.heads, 1, 1),
                        nb::handle(torch.types[INDEXER_F32]));
    if (torch.exchange->view(made.ptr(), &views[3]))
      throw nb::python_error();
  }
  IndexerType resultType;
  if (views[3].deviceType != dlpack::Cuda ||
      views[3].deviceId != signature.device ||
      !dlpack::elementTypeOf(views[3], resultType))
    return notHere;

  IndexerArgument arguments[5] = {};
  for (int i = 0; i < 3; ++i) {
    arguments[i].is_tensor = 1;
    arguments[i].tensor = toTensor(views[i], signature.types[i]);
  }
  arguments[3].scalar = scales[0];
  arguments[4].scalar = scales[1];
  // The kernels take [T, H, 1].
  int64_t scaleShape[3] = {tokens, signature.heads, 1};
  int64_t scaleStrides[3] = {signature.heads, 1, 1};
  if (views[2].strides)
    std::copy_n(views[2].strides, 2, scaleStrides);
  arguments[2].tensor.rank = 3;
  arguments[2].tensor.shape = scaleShape;
  arguments[2].tensor.strides = scaleStrides;
  IndexerTensor result = toTensor(views[3], resultType);
  void *stream = nullptr;
  if (torch.exchange->currentStream(dlpack::Cuda, signature.device, &stream))
    throw nb::python_error();
  kernel->launch(arguments, 5, &result, 1, stream, "head_gate");
  return isGiven ? nb::borrow(out) : made;
}

void indexer::python::bindGateCalls(nb::module_ &module) {
  nb::class_<GateCalls>(module, "GateCalls",
                        "Head gates of plain torch CUDA tensors.")
      .def(nb::init<nb::object, nb::typed<nb::list, nb::object>, nb::object,
                    nb::object, nb::object>(),
           nb::arg("is_grad_enabled"), nb::arg("modes"),
           nb::arg("empty_strided"), nb::arg("current_device"),
           nb::arg("is_negative"), "With torch's own functions.")
      .def("add", &GateCalls::add, nb::arg("x"), nb::arg("weight"),
           nb::arg("q_scale"), nb::arg("kernel"),
           nb::sig("def add(self, x: object, weight: object, q_scale: object, "
                   "kernel: Kernel) -> None"),
           "The kernel for calls with tensors like these.")
      .def("__call__", &GateCalls::call, nb::arg("x"), nb::arg("weight"),
           nb::arg("q_scale"), nb::arg("softmax_scale"),
           nb::arg("head_scale").none(), nb::arg("out").none(),
           nb::sig("def __call__(self, x: object, weight: object, q_scale: "
                   "object, softmax_scale: object, head_scale: object, "
                   "out: object) -> typing.Any"),
           "The gate, or NotImplemented for a call that is not for here.");
}
