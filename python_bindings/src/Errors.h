//===- Errors.h - Statuses as Python exceptions -*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_ERRORS_H
#define DSA_INDEXER_ERRORS_H

#include "indexer-c/Runtime.h"

#include <nanobind/nanobind.h>
#include <string>

namespace indexer::python {

/// Raises `type`, an exception class of Python, with `message`. Needs the GIL.
[[noreturn]] void raise(PyObject *type, const std::string &message);

/// Returns if `status` is INDEXER_OK; else raises the exception that
/// dsa_indexer._errors makes of it and of the last error of this thread.
/// `entry` is the function that was called, "" outside of a call; `lastError`
/// is that of the library that was asked. Needs the GIL.
void check(IndexerStatus status, const std::string &entry = {},
           const char *(*lastError)() = indexerLastError);

/// `text` as a str; bytes that are not UTF-8 become U+FFFD.
nanobind::str toPython(const std::string &text);

} // namespace indexer::python

#endif // DSA_INDEXER_ERRORS_H
