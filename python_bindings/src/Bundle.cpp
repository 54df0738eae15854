//===- Bundle.cpp - Bound class of a bundle ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bundle.h"

#include "Errors.h"

namespace nb = nanobind;
using namespace indexer::python;

Bundle::Bundle(nb::bytes data) {
  check(indexerBundleCreate(data.c_str(), data.size(), &bundle));
}

void indexer::python::bindBundle(nb::module_ &module) {
  nb::class_<Bundle>(module, "Bundle",
                     "Kernels and how to launch them. Immutable.")
      .def(nb::init<nb::bytes>(), nb::arg("data"), "Reads a bundle's bytes.")
      .def(
          "describe",
          [](const Bundle &self) {
            return toPython(indexerBundleDescribe(self.get()));
          },
          "JSON: entry, arguments, results, kernels and code objects.");
}
