//===- LowerKernelsToNVVM.cpp - Kernels to the NVVM dialect ---------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a gpu.module as code generation leaves it. Out: llvm.func ops only. All
// of it but the declaration of tensor maps is upstream's: this pass holds the
// order of the passes, and registers the conversions that convert-gpu-to-nvvm
// finds through interfaces, so that it works the same in every tool.
//
//===----------------------------------------------------------------------===//

#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Target/Passes.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/Passes.h"

namespace indexer {

#define GEN_PASS_DEF_LOWERKERNELSTONVVM
#include "indexer/Target/Passes.h.inc"

using namespace mlir;

/// The passes, for a gpu.module.
static OpPassManager makePipeline() {
  OpPassManager pm(gpu::GPUModuleOp::getOperationName());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertGpuOpsToNVVMOps());
  // Ops of nvvm that LLVM has no intrinsic for: inline PTX.
  pm.addPass(createConvertNVVMToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  return pm;
}

/// Makes llvm.intr.sqrt of calls of libdevice's square root: NVPTX rounds the
/// former to nearest, as IEEE 754 and the CPU do, while the latter is
/// approximate as long as nobody sets its __CUDA_PREC_SQRT. Upstream's
/// convert-gpu-to-nvvm knows libdevice alone.
static void roundSquareRoots(gpu::GPUModuleOp module) {
  constexpr StringLiteral libdeviceRoot = "__nv_sqrtf";
  module.walk([&](LLVM::CallOp call) {
    if (call.getCallee() != libdeviceRoot)
      return;
    OpBuilder b(call);
    Value root = LLVM::SqrtOp::create(b, call.getLoc(), call.getOperand(0));
    call.getResult().replaceAllUsesWith(root);
    call.erase();
  });
  if (Operation *declaration = module.lookupSymbol(libdeviceRoot))
    declaration->erase();
}

/// Makes the parameters that `indexer.tensor_maps` names what a tensor map is
/// to NVVM: 128 bytes passed by value, aligned to 64, that nobody writes
/// (`nvvm.grid_constant`: its address may be taken without a copy). Only a
/// function of LLVM can say so, and the conversion of gpu.func keeps no such
/// attributes of arguments.
static void declareTensorMaps(gpu::GPUModuleOp module) {
  Builder builder(module.getContext());
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 128);
  for (auto func : module.getOps<LLVM::LLVMFuncOp>()) {
    auto numbers = func->getAttrOfType<DenseI32ArrayAttr>(tensorMapsAttrName);
    if (!numbers)
      continue;
    for (int32_t number : numbers.asArrayRef()) {
      func.setArgAttr(number, LLVM::LLVMDialect::getByValAttrName(),
                      TypeAttr::get(type));
      func.setArgAttr(number, LLVM::LLVMDialect::getAlignAttrName(),
                      builder.getI64IntegerAttr(64));
      func.setArgAttr(number, NVVM::NVVMDialect::getGridConstantAttrName(),
                      builder.getUnitAttr());
    }
    func->removeAttr(tensorMapsAttrName);
  }
}

namespace {

/// See Passes.td.
struct LowerKernelsToNVVM : impl::LowerKernelsToNVVMBase<LowerKernelsToNVVM> {
  void getDependentDialects(DialectRegistry &registry) const override {
    LowerKernelsToNVVMBase::getDependentDialects(registry);
    makePipeline().getDependentDialects(registry);
    arith::registerConvertArithToLLVMInterface(registry);
    cf::registerConvertControlFlowToLLVMInterface(registry);
    index::registerConvertIndexToLLVMInterface(registry);
    registerConvertFuncToLLVMInterface(registry);
    registerConvertMathToLLVMInterface(registry);
    registerConvertMemRefToLLVMInterface(registry);
    registerConvertNVVMToLLVMInterface(registry);
    ub::registerConvertUBToLLVMInterface(registry);
    vector::registerConvertVectorToLLVMInterface(registry);
  }

  void runOnOperation() override {
    OpPassManager pm = makePipeline();
    if (failed(runPipeline(pm, getOperation())))
      return signalPassFailure();
    roundSquareRoots(getOperation());
    declareTensorMaps(getOperation());
  }
};

} // namespace
} // namespace indexer
