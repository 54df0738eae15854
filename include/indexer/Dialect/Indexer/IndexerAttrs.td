//===- IndexerAttrs.td - Attributes of the indexer dialect -*- tablegen -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_DIALECT_INDEXER_INDEXERATTRS_TD
#define INDEXER_DIALECT_INDEXER_INDEXERATTRS_TD

include "indexer/Dialect/Indexer/IndexerDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Indexer_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Indexer_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

def Indexer_Family : I32EnumAttr<"Family", "structure of a kernel", [
    I32EnumAttrCase<"Plain", 0, "plain">,
    I32EnumAttrCase<"RegisterMma", 1, "register_mma">,
    I32EnumAttrCase<"Dot", 2, "dot">,
    I32EnumAttrCase<"CpAsyncWgmma", 3, "cp_async_wgmma">,
    I32EnumAttrCase<"TmaWgmma", 4, "tma_wgmma">]> {
  let cppNamespace = "::indexer";
  let genSpecializedAttr = 0;
}

def Indexer_Weights : I32EnumAttr<"Weights",
    "who may still be writing the weight when a kernel starts", [
    I32EnumAttrCase<"Dependent", 0, "dependent">,
    I32EnumAttrCase<"Static", 1, "static">]> {
  let cppNamespace = "::indexer";
  let genSpecializedAttr = 0;
}

def Indexer_WeightsParameter : EnumParameter<Indexer_Weights> {
  let defaultValue = "::indexer::Weights::Dependent";
}

def Indexer_ScheduleAttr : Indexer_Attr<"Schedule", "schedule"> {
  let summary = "How one kernel of a fused op is built";
  let description = [{
    `cluster` CTAs of `threads` threads each share the elements of d and compute
    `tile_t` x `tile_h` outputs together. The kernel serves token counts up to
    `max_tokens`, from one more than the schedule before it in the array serves;
    without `max_tokens` it serves all of them. A family that sets conditions
    stands before those that set none, and only counts within its own kind: what
    its kernels cannot take goes to the kernels behind them.

    The family `plain` multiplies and adds in f32 on the CUDA cores, with every
    thread holding `tile_t` x `tile_h` accumulators in registers. It is right
    for every T >= 1, H, E, element type and stride. `cluster` is 1.

    The family `dot` multiplies and adds as `plain` does, but loads all elements
    of a thread before the first multiplication. It takes x and weight of one
    16-bit type, a static H that is a multiple of `tile_h`, a static E that is a
    multiple of 8 x `threads`, and at run time rows that are contiguous along d
    and aligned to 16 bytes. `cluster` is 1.

    The family `register_mma` multiplies on the tensor cores, `mma.sync` with
    heads as M and tokens as N, and both operands loaded from global memory into
    the registers of the fragments. All elements of a thread are loaded before
    the first multiplication. It takes x and weight of one 16-bit type, a static
    H that is a multiple of `tile_h`, a static E that is a multiple of `cluster`
    x `threads`, and rows as `dot` does. `tile_h` is 8 or a multiple of 16, `tile_t` a multiple of 8, and
    `cluster` a power of two up to 16; more than 8 is not portable, and more than
    1 needs compute capability 9.0.

    The family `cp_async_wgmma` multiplies on the tensor cores, `wgmma` with heads
    as M and tokens as N. Both operands are copied into shared memory by
    `cp.async`, into a ring of `stages` stages of `tile_d` elements of d each; a
    ring with room for all of d is filled at once, and may be one stage. The
    elements of a stage, up to 896, are summed in one chain. A CTA sums its share of d in
    `parts` parts, each by itself, and adds them pairwise, as a cluster of
    `parts` times as many CTAs would: schedules with the same `cluster` x `parts`
    give the same bits. It takes x and weight of one 16-bit type, a static E that
    is a multiple of `cluster` x `parts` x `tile_d`, any H, and rows as `dot`
    does. `tile_h` is 64, `tile_d` a multiple of 64, `threads` 128 (one
    warpgroup), `tile_t` a multiple of 8, `parts` a power of two up to 16, and `cluster` as above. It needs sm_90a.

    The family `tma_wgmma` multiplies as `cp_async_wgmma` does, but a warp of its
    own copies both operands by TMA, the copy engine, from tensor maps that the
    launch makes; rows past T and H are zeros. `threads` is 160, 288 or 416: one
    warpgroup or more, which divide the tokens, and the copying warp. With a
    `tile_h` of 128 or 192 it is 384 or 512: the warpgroups divide the heads, so
    that a CTA with all heads reads x once, and the copying warp is one of a
    warpgroup that gives its registers to them; `tile_t` is then up to 128, or 88
    where d is divided. A ring has `stages` stages, and fewer where d has fewer
    steps. With `multicast` = `cluster` the CTAs of a cluster do not divide d:
    each has a tile of its own, and of the weight, which they all need, each
    copies a part to all of them. With `max_ctas`, a multiple of `cluster`, the
    grid has at most so many CTAs along the tokens, and a CTA goes on to a next
    tile while the stores of the one before are under way (a persistent kernel);
    d is then not divided. x and weight need tensor maps: rows as `dot` asks for,
    less than 2^40 bytes apart.

    With `weights = static` the caller promises that no kernel in flight writes
    the weight. The kernel then starts while the one before it on the stream
    still runs (programmatic dependent launch), loads the weight, and waits for
    the end of that kernel before it reads or writes anything else; lines of x
    may be brought into L2, which is coherent, before. It needs compute
    capability 9.0 and a family other than `plain`.

    ```mlir
    #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                      threads = 224, cluster = 16, max_tokens = 16>
    #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                      threads = 128, tile_d = 128, stages = 6>
    #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 64,
                      threads = 160, cluster = 2, tile_d = 128, stages = 4,
                      multicast = 2, max_ctas = 132>
    #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 192,
                      threads = 512, tile_d = 64, stages = 5>
    #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>
    ```
  }];
  let parameters = (ins
    EnumParameter<Indexer_Family>:$family,
    "int64_t":$tile_t,
    "int64_t":$tile_h,
    "int64_t":$threads,
    DefaultValuedParameter<"int64_t", "1">:$cluster,
    DefaultValuedParameter<"int64_t", "0">:$tile_d,
    DefaultValuedParameter<"int64_t", "0">:$stages,
    DefaultValuedParameter<"int64_t", "1">:$parts,
    DefaultValuedParameter<"int64_t", "1">:$multicast,
    DefaultValuedParameter<"int64_t", "0">:$max_ctas,
    Indexer_WeightsParameter:$weights,
    DefaultValuedParameter<"int64_t", "::indexer::unboundedTokens">:$max_tokens);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Outputs of a CTA; in the family `plain`, accumulators of a thread.
    int64_t getOutputs() const { return getTileT() * getTileH(); }
    /// CTAs that divide d.
    int64_t getSplit() const { return getCluster() / getMulticast(); }
    /// Warps of a CTA.
    int64_t getWarps() const { return getThreads() / 32; }
    /// True when the kernel sets conditions on the operands: a kernel of another
    /// family must stand behind it.
    bool isConditional() const { return getFamily() != Family::Plain; }
    /// True when the kernel starts before the end of the one before it.
    bool startsEarly() const { return getWeights() == Weights::Static; }
    /// True when the schedule serves every token count above its lower bound.
    bool isUnbounded() const { return getMaxTokens() == unboundedTokens; }
  }];
}

//===----------------------------------------------------------------------===//
// Kernel parameters
//===----------------------------------------------------------------------===//

def Indexer_ParameterKind : I32EnumAttr<"ParameterKind",
    "meaning of a kernel parameter", [
    I32EnumAttrCase<"Pointer", 0, "pointer">,
    I32EnumAttrCase<"Stride", 1, "stride">,
    I32EnumAttrCase<"Extent", 2, "extent">,
    I32EnumAttrCase<"Scalar", 3, "scalar">,
    I32EnumAttrCase<"TensorMap", 4, "tensor_map">]> {
  let cppNamespace = "::indexer";
  let genSpecializedAttr = 0;
}

def Indexer_ParameterAttr : Indexer_Attr<"Parameter", "parameter"> {
  let summary = "Meaning of one parameter of a kernel";
  let description = [{
    `pointer N` is the address of the first element of tensor operand N, and
    `stride N[D]` the stride of its dimension D, in elements; operands are x,
    weight, the epilogue's operands, the result. `extent N` is the extent of
    loop N (0 = t, 1 = h, 2 = d), `scalar N` the scalar number N. `tensor_map N`
    describes tensor operand N, which has two dimensions, to the copy engine
    (TMA): boxes of so many rows and elements of d, with the 128-byte swizzle and
    zeros outside the tensor.

    ```mlir
    #indexer.parameter<stride 0[1]>
    #indexer.parameter<tensor_map 0, box = [16, 64]>
    ```
  }];
  let parameters = (ins
    EnumParameter<Indexer_ParameterKind>:$kind,
    "unsigned":$index,
    OptionalParameter<"std::optional<unsigned>">:$dim,
    OptionalArrayRefParameter<"int64_t">:$box);
  let assemblyFormat = [{
    `<` $kind $index (`[` $dim^ `]`)? (`,` `box` `=` `[` $box^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
}

#endif // INDEXER_DIALECT_INDEXER_INDEXERATTRS_TD
