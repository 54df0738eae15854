//===- Module.cpp - The extension module `dsa_indexer._native` ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "Bundle.h"
#include "GateCalls.h"
#include "Kernel.h"
#include "Program.h"

NB_MODULE(_native, module) {
  module.doc() = "The C API of the indexer compiler, for dsa_indexer only.";
  // A kernel kept in a global variable lives until the process ends: no leak
  // that a user could do anything about.
  nanobind::set_leak_warnings(false);
  indexer::python::bindArguments(module);
  indexer::python::bindProgram(module);
  indexer::python::bindBundle(module);
  indexer::python::bindKernel(module);
  indexer::python::bindGateCalls(module);
}
