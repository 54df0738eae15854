//===- BundleHeader.h - The JSON header of a bundle -------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layout of a bundle's bytes is in docs/bundle-format.md. This header has
// what the writer, the reader and the C API share.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_BUNDLEHEADER_H
#define INDEXER_RUNTIME_BUNDLEHEADER_H

#include "indexer/Runtime/Bundle.h"

namespace indexer::runtime {

/// First bytes of every bundle, without the terminating zero.
constexpr char kBundleMagic[] = "INDEXERB";
constexpr size_t kBundleMagicSize = 8;
/// The one format version that this code writes and reads.
constexpr uint32_t kBundleVersion = 3;
/// Magic, version, reserved word, size of the file, size of the JSON header.
constexpr size_t kBundlePrologueSize = 32;
/// CRC-32 of all bytes before it.
constexpr size_t kBundleTrailerSize = 4;

/// The JSON header of `bundle`, keys in a fixed order. `indent` -1 gives one
/// line. Bytes of names that are not UTF-8 become U+FFFD.
std::string headerText(const Bundle &bundle, int indent);

/// Fills everything but the bytes of the code objects from a JSON header.
/// `objectSizes` gets the size of each code object, in order; they are not
/// checked. False, with `error` set, when a field is missing or of a wrong
/// type. The result is not validated.
bool readHeader(const char *text, size_t size, Bundle &bundle,
                std::vector<uint64_t> &objectSizes, std::string &error);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_BUNDLEHEADER_H
