/*===- Compiler.h - C API: compile, inspect, run on the CPU ------*- C -*-===*\
|*                                                                            *|
|* Part of the indexer project, under the Apache License v2.0 with LLVM       *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Compiles MLIR text. Every artefact is made at its first request and kept.  *|
|* Functions are thread-safe for different programs; one program must not be  *|
|* used by two threads at a time. Errors as in Runtime.h; a compile error's   *|
|* text has one line a diagnostic: "file:line:column: error: ...".            *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef INDEXER_C_COMPILER_H
#define INDEXER_C_COMPILER_H

#include "indexer-c/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A hash of the headers of this API and of the bundle format that the library
 * was built from. Who opens the library at run time compares it with that of
 * his own build: structures and bundles of another one may differ. */
INDEXER_API const char *indexerApiHash(void);

typedef struct {
  /* Chip of the GPU artefacts: sm_80, sm_89, sm_90a, sm_100a or sm_120a. NULL
   * means "sm_90a". */
  const char *chip;
  /* Entry function, without '@'. NULL: the only public function. */
  const char *entry;
  /* Path of ptxas. NULL: NVIDIA's PTX compiler in this process where the
   * library was built with it, else nvJitLink where it can be opened, else
   * ptxas in PATH, then CUDA_HOME, then /usr/local/cuda, then the path that
   * this library was built with; without any, bundles have PTX alone. */
  const char *ptxas;
  /* "static": no kernel in flight writes a weight, and kernels start before the
   * end of the one in front of them, on chips that can. NULL or "dependent":
   * they do not. */
  const char *weights;
  /* Not 0: a row of x gives the same bits whatever T is (docs/numerics.md). */
  int32_t batch_invariant;
  /* Multiprocessors to choose kernels for, fewer than the chip has when others
   * run beside them; 0: all. */
  int64_t sm_budget;
} IndexerCompileOptions;

typedef struct IndexerProgram IndexerProgram;

/* Parses and verifies `text` (`size` bytes; `name` is what diagnostics call the
 * file) and finds the entry function. `options` may be NULL. */
INDEXER_API IndexerStatus indexerCompile(const char *text, size_t size,
                                         const char *name,
                                         const IndexerCompileOptions *options,
                                         IndexerProgram **program);
INDEXER_API void indexerProgramDestroy(IndexerProgram *program);

/* The text of one artefact: "input", "fused", "scheduled", "kernel", "nvvm",
 * "ptx", or "llvm" (the CPU's LLVM dialect). Valid as long as the program. */
INDEXER_API IndexerStatus indexerProgramArtifact(IndexerProgram *program,
                                                 const char *stage,
                                                 const char **text);

/* JSON: {"entry": name, "arguments": [{"name", "type", "shape"}...],
 * "results": [...], "fused": number of fused ops in the entry,
 * "stages": ["parse", "fused"...], "milliseconds": {"parse": ...},
 * "cache": "hit" | "miss" | "off" | null, "warnings": [line...]}. A scalar has
 * no "shape"; a dynamic extent is null. "stages" are those made so far, in
 * order; "cubin.llvm" and "cubin.assembler" are parts of "cubin". "cache" tells
 * how the last bundle came about. */
INDEXER_API IndexerStatus indexerProgramDescribe(IndexerProgram *program,
                                                 const char **json);

/* JSON: [{"kind": "passed"|"missed"|"analysis", "pass", "category",
 * "location", "text"}...] of the stages made so far, fusion at least. */
INDEXER_API IndexerStatus indexerProgramRemarks(IndexerProgram *program,
                                                const char **json);

/* The bundle with machine code for the chip. It fails, with the reason, when
 * the entry does anything but reshape around its fused op. It is taken from the
 * cache of the user where that has it, and kept there (docs/environment.md).
 * The bytes are valid as long as the program. */
INDEXER_API IndexerStatus indexerProgramBundle(IndexerProgram *program,
                                               const void **data, size_t *size);

/* Whether the program's bundles may come from the cache, 1 unless it is set. */
INDEXER_API IndexerStatus indexerProgramUseCache(IndexerProgram *program,
                                                 int use);

/* One bundle with machine code and PTX for each of `chips`, in that order,
 * which has no name twice; the program's own chip does not matter. The rest as
 * above. The same text, chips and tools give the same bytes. */
INDEXER_API IndexerStatus indexerProgramBundleFor(IndexerProgram *program,
                                                  const char *const *chips,
                                                  size_t num_chips,
                                                  const void **data,
                                                  size_t *size);

/* Loads the program's kernels on CUDA device `device`, for calls like one with
 * `arguments`. Where the bundle is made already, or in the cache, this is
 * indexerKernelLoad of it. Else only the kernels that serve such a call are
 * compiled and loaded, and a thread compiles the whole bundle and puts it into
 * the cache. A call of `kernel` that needs another kernel meanwhile compiles
 * that one and no more; where this fails, it waits for the thread, and fails
 * with what went wrong there. A kernel that is left does not end the thread,
 * the end of the process waits for it, and a child of fork() has to load the
 * program again. */
INDEXER_API IndexerStatus indexerProgramLoad(IndexerProgram *program,
                                             int device,
                                             const IndexerArgument *arguments,
                                             size_t num_arguments,
                                             IndexerKernel **kernel);

/* Runs the entry on the CPU (compiled by LLVM's JIT at the first call). Tensors
 * are host memory of any strides; results are written, not allocated. */
INDEXER_API IndexerStatus indexerProgramRunCpu(IndexerProgram *program,
                                               const IndexerArgument *arguments,
                                               size_t num_arguments,
                                               const IndexerTensor *results,
                                               size_t num_results);

/* Interprets the input IR in float64 (bf16 and f16 roundings kept) on host
 * memory. For result r, `values[r]` and `bounds[r]` have its elements in
 * row-major order: the value, and the largest difference from it that a right
 * float32 execution may show. `threads` 0 means all cores. */
INDEXER_API IndexerStatus indexerProgramReference(
    IndexerProgram *program, const IndexerArgument *arguments,
    size_t num_arguments, double *const *values, double *const *bounds,
    size_t num_results, int threads);

/* Shapes of the results for these arguments: `shapes[r]` has room for the rank
 * of result r. */
INDEXER_API IndexerStatus indexerProgramResultShapes(
    IndexerProgram *program, const IndexerArgument *arguments,
    size_t num_arguments, int64_t *const *shapes, size_t num_results);

/*===-- The cache of bundles that were compiled at run time -----------------*/

/* JSON: {"folder": path or null, "note": why nothing is cached or what is
 * wrong, or null, "entries": [{"file", "bytes", "last_use", "damaged", "entry",
 * "chips": [...], "assembler"}...]}, the last used first. "last_use" is in
 * seconds since 1970; a damaged entry has no "entry" and what follows. Reads
 * every entry. Valid until the thread's next call of this function. */
INDEXER_API IndexerStatus indexerCacheDescribe(const char **json);

/* Removes all entries. `removed` gets the number of files; may be NULL. */
INDEXER_API IndexerStatus indexerCacheClear(size_t *removed);

#ifdef __cplusplus
}
#endif

#endif /* INDEXER_C_COMPILER_H */
