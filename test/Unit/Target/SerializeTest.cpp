//===- SerializeTest.cpp - The passes in a bare context -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tool registers dialects and nothing else: conversions and translations come
// with the passes.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace indexer;

TEST(Serialize, everythingComesWithThePasses) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::arith::ArithDialect, mlir::gpu::GPUDialect,
                  mlir::LLVM::LLVMDialect, mlir::NVVM::NVVMDialect,
                  mlir::scf::SCFDialect>();
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
    gpu.module @kernels {
      gpu.func @sum(%p: !llvm.ptr<1>, %n: index, %s: bf16) kernel {
        %thread = gpu.thread_id x
        %step = arith.constant 32 : index
        %zero = arith.constant 0.0 : f32
        %sum = scf.for %i = %thread to %n step %step
            iter_args(%a = %zero) -> f32 {
          %x = arith.extf %s : bf16 to f32
          %next = arith.addf %a, %x : f32
          scf.yield %next : f32
        }
        llvm.store %sum, %p : f32, !llvm.ptr<1>
        gpu.return
      }
    })",
                                                        &context);
  ASSERT_TRUE(module);
  mlir::PassManager pm(&context);
  AttachTargetOptions target;
  target.chip = "sm_100a";
  pm.addPass(createAttachTarget(target));
  pm.nest<mlir::gpu::GPUModuleOp>().addPass(createLowerKernelsToNVVM());
  pm.addPass(createSerializeKernels());
  ASSERT_TRUE(mlir::succeeded(pm.run(*module)));
  auto binaries = module->getOps<mlir::gpu::BinaryOp>();
  ASSERT_FALSE(binaries.empty());
  auto object =
      mlir::cast<mlir::gpu::ObjectAttr>((*binaries.begin()).getObjects()[0]);
  EXPECT_EQ(object.getFormat(), mlir::gpu::CompilationTarget::Assembly);
  EXPECT_TRUE(object.getObject().getValue().contains(".target sm_100a"));
  EXPECT_TRUE(object.getObject().getValue().contains(".entry sum("));
}
