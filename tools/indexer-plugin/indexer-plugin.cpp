//===- indexer-plugin.cpp - Our passes for a stock mlir-opt ---------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-opt --load-dialect-plugin=IndexerPlugin.so
//          --load-pass-plugin=IndexerPlugin.so
//          --pass-pipeline='builtin.module(indexer-fuse)'
//
//===----------------------------------------------------------------------===//

#include "indexer/Pipelines/Pipelines.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

static void registerAll() {
  indexer::registerPasses();
  indexer::registerPipelines();
}

extern "C" LLVM_ATTRIBUTE_WEAK
    __attribute__((visibility("default"))) ::mlir::PassPluginLibraryInfo
    mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Indexer", LLVM_VERSION_STRING, registerAll};
}

extern "C" LLVM_ATTRIBUTE_WEAK
    __attribute__((visibility("default"))) ::mlir::DialectPluginLibraryInfo
    mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Indexer", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            indexer::registerDialects(*registry);
          }};
}
