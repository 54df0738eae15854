//===- TorchApi.cpp - PyTorch's types, once it is imported ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TorchApi.h"

namespace nb = nanobind;
using namespace indexer::python;

nb::object indexer::python::findLoaded(const char *module, const char *name) {
  PyObject *modules = PyImport_GetModuleDict(); // Borrowed.
  PyObject *found = PyDict_GetItemString(modules, module);
  if (!found)
    return {};
  nb::object value = nb::getattr(nb::handle(found), name, nb::none());
  return value.is_none() ? nb::object() : value;
}

/// The exchange API of a tensor type, null when it has none that we know.
static const dlpack::ExchangeApi *exchangeOf(nb::handle type) {
  nb::object capsule =
      nb::getattr(type, "__dlpack_c_exchange_api__", nb::none());
  if (!PyCapsule_IsValid(capsule.ptr(), "dlpack_exchange_api"))
    return nullptr;
  auto *api = static_cast<const dlpack::ExchangeApi *>(
      PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
  return api->majorVersion == 1 && api->view && api->currentStream ? api
                                                                   : nullptr;
}

const TorchApi &TorchApi::get() {
  static TorchApi api;
  if (api.tensor)
    return api;
  static constexpr const char *typeNames[] = {"bfloat16", "float16", "float32",
                                              "float64"};
  nb::object types[4];
  for (int i = 0; i < 4; ++i)
    if (!(types[i] = findLoaded("torch", typeNames[i])))
      return api;
  nb::object tensor = findLoaded("torch", "Tensor");
  if (!tensor || !PyType_Check(tensor.ptr()))
    return api;
  nb::object parameter = findLoaded("torch.nn", "Parameter");
  if (parameter && PyType_Check(parameter.ptr()))
    api.parameter = reinterpret_cast<PyTypeObject *>(parameter.release().ptr());
  for (int i = 0; i < 4; ++i)
    api.types[i] = types[i].release().ptr();
  api.exchange = exchangeOf(tensor);
  // Last: it says that the rest is there.
  api.tensor = reinterpret_cast<PyTypeObject *>(tensor.release().ptr());
  return api;
}
