//===- Pipelines.cpp - Names and orders of passes -------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Pipelines/Pipelines.h"

#include "indexer/Codegen/CPU/Passes.h"
#include "indexer/Codegen/GPU/Passes.h"
#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Fusion/Passes.h"
#include "indexer/Schedule/Passes.h"
#include "indexer/Target/EmitPtx.h"
#include "indexer/Target/Passes.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/BufferizationToMemRef/BufferizationToMemRef.h"
#include "mlir/Conversion/ComplexToLLVM/ComplexToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/TilingInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/AllocationOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/SubsetOpInterfaceImpl.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace indexer;

void indexer::registerPasses() {
  registerFusionPasses();
  registerSchedulePasses();
  registerGPUPasses();
  registerCodegenCPUPasses();
  registerTargetPasses();
}

void indexer::buildFusePipeline(OpPassManager &pm,
                                const FuseHeadGateOptions &options) {
  pm.addNestedPass<func::FuncOp>(createFuseHeadGate(options));
  pm.addNestedPass<func::FuncOp>(createFuseScales());
}

void indexer::buildToCPUPipeline(OpPassManager &pm) {
  buildFusePipeline(pm);
  // Our ops: register tiles and vectors.
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createDecomposeFusedOp());
  functions.addPass(createTileForCPU());
  functions.addPass(createVectorizeForCPU());
  // Everything else of the user: upstream's way.
  functions.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Contiguous buffers at the boundary: a strided row has no vector load.
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.allowReturnAllocsFromLoops = true;
  bufferize.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  bufferization::BufferDeallocationPipelineOptions deallocation;
  bufferization::buildBufferDeallocationPipeline(pm, deallocation);
  pm.addPass(createConvertBufferizationToMemRefPass());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addNestedPass<func::FuncOp>(createLowerVectorsForCPU());
  pm.addNestedPass<func::FuncOp>(createExpandDynamicShapes());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  // bf16 by integer arithmetic: stock lowering needs library functions that
  // some machines lack, and flushes subnormals on others.
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

namespace {

/// Options of --indexer-fuse: those of indexer-fuse-head-gate.
struct FuseOptions : PassPipelineOptions<FuseOptions> {
  Option<ScalarMode> scalars{
      *this, "scalars",
      llvm::cl::desc("What to do with f32 constants that multiply each other"),
      llvm::cl::init(ScalarMode::Keep),
      llvm::cl::values(
          clEnumValN(ScalarMode::Keep, "keep", "keep each multiplication"),
          clEnumValN(ScalarMode::Fold, "fold",
                     "multiply in double and round once"))};
  Option<bool> allowPrecision{
      *this, "allow-precision",
      llvm::cl::desc("Drop bf16 roundings between the GEMM and the gate"),
      llvm::cl::init(false)};
};

/// What every pipeline that makes GPU code passes on to
/// indexer-select-schedule.
template <typename Options>
struct ScheduledOptions : PassPipelineOptions<Options> {
  using Base = PassPipelineOptions<Options>;
  template <typename T>
  using Option = typename Base::template Option<T>;

  Option<std::string> chip{
      *this, "chip",
      llvm::cl::desc(
          "Chip of the kernels: sm_80, sm_89, sm_90a, sm_100a or sm_120a"),
      llvm::cl::init("sm_90a")};
  Option<std::string> weights{
      *this, "weights",
      llvm::cl::desc(
          "static when no kernel in flight writes a weight, else dependent"),
      llvm::cl::init("dependent")};
  Option<bool> batchInvariant{
      *this, "batch-invariant",
      llvm::cl::desc("Give a row of x the same bits whatever T is"),
      llvm::cl::init(false)};
  Option<int64_t> smBudget{
      *this, "sm-budget",
      llvm::cl::desc("Multiprocessors to choose for; 0: all of the chip"),
      llvm::cl::init(0)};

  SelectScheduleOptions select() const {
    SelectScheduleOptions select;
    select.chip = chip.getValue();
    select.weights = weights.getValue();
    select.batchInvariant = batchInvariant;
    select.smBudget = smBudget;
    return select;
  }
};

/// Options of the pipelines that make GPU code.
struct KernelOptions : ScheduledOptions<KernelOptions> {};

struct CubinOptions : ScheduledOptions<CubinOptions> {
  Option<std::string> format{
      *this, "format",
      llvm::cl::desc("What to make: isa (PTX), bin (cubin) or fatbin"),
      llvm::cl::init("bin")};
  Option<std::string> ptxas{
      *this, "ptxas", llvm::cl::desc("Path of ptxas; empty to look for it"),
      llvm::cl::init("")};
  Option<bool> keepPtx{*this, "keep-ptx",
                       llvm::cl::desc("Keep the PTX beside the machine code"),
                       llvm::cl::init(false)};
};

} // namespace

void indexer::buildToKernelPipeline(OpPassManager &pm,
                                    const SelectScheduleOptions &select,
                                    const GenerateKernelsOptions &generate) {
  buildFusePipeline(pm);
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createGroupSharedOperand());
  functions.addPass(createSelectSchedule(select));
  VerifyScheduleOptions verify;
  verify.batchInvariant = select.batchInvariant;
  functions.addPass(createVerifySchedule(verify));
  pm.addPass(createOutlineKernels());
  pm.addPass(createGenerateKernels(generate));
  pm.addPass(createVerifyDependentLaunch());
}

void indexer::buildToNVVMPipeline(OpPassManager &pm,
                                  const SelectScheduleOptions &select) {
  buildToKernelPipeline(pm, select);
  AttachTargetOptions target;
  target.chip = select.chip;
  pm.addPass(createAttachTarget(target));
  pm.addNestedPass<gpu::GPUModuleOp>(createLowerKernelsToNVVM());
}

void indexer::registerPipelines() {
  PassPipelineRegistration<KernelOptions>(
      "indexer-to-kernel",
      "Make GPU kernels of the head gates; the functions call them",
      [](OpPassManager &pm, const KernelOptions &options) {
        buildToKernelPipeline(pm, options.select());
      });
  PassPipelineRegistration<KernelOptions>(
      "indexer-to-nvvm",
      "Make GPU kernels of the head gates, in the NVVM dialect",
      [](OpPassManager &pm, const KernelOptions &options) {
        buildToNVVMPipeline(pm, options.select());
      });
  PassPipelineRegistration<CubinOptions>(
      "indexer-to-cubin",
      "Make a gpu.binary of the head gates, with launch metadata",
      [](OpPassManager &pm, const CubinOptions &options) {
        buildToNVVMPipeline(pm, options.select());
        SerializeKernelsOptions serialize;
        serialize.format = options.format.getValue();
        serialize.ptxas = options.ptxas.getValue();
        serialize.keepPtx = options.keepPtx;
        pm.addPass(createSerializeKernels(serialize));
      });
  PassPipelineRegistration<>(
      "indexer-to-cpu",
      "Lower the module, its head gates fused, to the LLVM dialect for the CPU",
      buildToCPUPipeline);
  PassPipelineRegistration<FuseOptions>(
      "indexer-fuse",
      "Fuse every head gate of the module into one linalg op each",
      [](OpPassManager &pm, const FuseOptions &options) {
        FuseHeadGateOptions fuse;
        fuse.scalars = options.scalars;
        fuse.allowPrecision = options.allowPrecision;
        buildFusePipeline(pm, fuse);
      });
}

void indexer::registerDialects(DialectRegistry &registry) {
  registry.insert<IndexerDialect>();
  registerPtxTranslations(registry);
  // Tiling and hoisting on the CPU's way.
  linalg::registerTilingInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  vector::registerSubsetOpInterfaceExternalModels(registry);
  // Bufferization of the user's function.
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  cf::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  vector::registerBufferizableOpInterfaceExternalModels(registry);
  // Deallocation of what it allocates.
  arith::registerBufferDeallocationOpInterfaceExternalModels(registry);
  cf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  gpu::registerBufferDeallocationOpInterfaceExternalModels(registry);
  scf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  memref::registerAllocationOpInterfaceExternalModels(registry);
  // convert-to-llvm asks each dialect.
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertComplexToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  index::registerConvertIndexToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  registerConvertMemRefToLLVMInterface(registry);
  ub::registerConvertUBToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}
