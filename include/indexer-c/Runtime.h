/*===- Runtime.h - C API: load and launch ------------------------*- C -*-===*\
|*                                                                            *|
|* Part of the indexer project, under the Apache License v2.0 with LLVM       *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Loads a bundle and launches its kernels. Needs neither LLVM nor the CUDA   *|
|* toolkit; libcuda.so.1 is opened at the first call that needs a device.     *|
|* Every function is thread-safe. A failed call returns a code and leaves one *|
|* sentence in indexerLastError() of the calling thread.                      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef INDEXER_C_RUNTIME_H
#define INDEXER_C_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INDEXER_API __attribute__((visibility("default")))

typedef enum {
  INDEXER_OK = 0,
  /* An argument has the wrong shape, type, layout or device. */
  INDEXER_INVALID_ARGUMENT = 1,
  /* The input could not be compiled. */
  INDEXER_COMPILE_ERROR = 2,
  /* libcuda.so.1 is missing or too old. */
  INDEXER_NO_DRIVER = 3,
  /* No such GPU, or the bundle has no code for it. */
  INDEXER_NO_DEVICE = 4,
  /* The driver returned an error. */
  INDEXER_CUDA_ERROR = 5,
  /* The bytes are not a bundle that this library reads. */
  INDEXER_BAD_BUNDLE = 6,
  /* Host or device memory is exhausted. */
  INDEXER_OUT_OF_MEMORY = 7
} IndexerStatus;

/* The last error of this thread, one sentence; "" if there was none. Valid
 * until the thread's next call. */
INDEXER_API const char *indexerLastError(void);

/* Element types. */
typedef enum {
  INDEXER_BF16 = 0,
  INDEXER_F16 = 1,
  INDEXER_F32 = 2,
  INDEXER_F64 = 3
} IndexerType;

/* A strided tensor. `data` points at the element of index 0; `shape` and
 * `strides` have `rank` entries, in elements; `strides` NULL means row-major
 * and contiguous. */
typedef struct {
  void *data;
  IndexerType type;
  int32_t rank;
  const int64_t *shape;
  const int64_t *strides;
} IndexerTensor;

/* An argument of the entry function: a tensor, or a scalar given as a double
 * and rounded to the scalar's type. */
typedef struct {
  int32_t is_tensor;
  IndexerTensor tensor;
  double scalar;
} IndexerArgument;

/*===-- Bundles -------------------------------------------------------------*/

typedef struct IndexerBundle IndexerBundle;

/* Reads a bundle from memory; the bytes are copied. */
INDEXER_API IndexerStatus indexerBundleCreate(const void *data, size_t size,
                                              IndexerBundle **bundle);
/* Reads a bundle from a file. */
INDEXER_API IndexerStatus indexerBundleOpen(const char *path,
                                            IndexerBundle **bundle);
INDEXER_API void indexerBundleDestroy(IndexerBundle *bundle);
/* JSON: entry, arguments, results, kernels with their resource figures, code
 * objects with chip, format and size. Valid as long as the bundle. */
INDEXER_API const char *indexerBundleDescribe(IndexerBundle *bundle);

/*===-- Kernels -------------------------------------------------------------*/

typedef struct IndexerKernel IndexerKernel;

/* Loads the bundle's code into the primary context of CUDA device `device` (the
 * context that the CUDA runtime and PyTorch use): the cubin for its chip, else
 * the PTX, which the driver compiles. The kernel keeps what it needs of the
 * bundle. */
INDEXER_API IndexerStatus indexerKernelLoad(IndexerBundle *bundle, int device,
                                            IndexerKernel **kernel);
INDEXER_API void indexerKernelDestroy(IndexerKernel *kernel);
/* One line, ended by a newline, for each kernel of the bundle that the device
 * cannot hold (too little shared memory, or no room for a cluster, as on a MIG
 * instance) and in whose place a slower one runs; "" when there is none. Valid
 * as long as the kernel. */
INDEXER_API const char *indexerKernelNotes(IndexerKernel *kernel);
/* JSON as of indexerBundleDescribe, with the launches that are loaded and with
 * code objects of size 0. Valid as long as the kernel. */
INDEXER_API const char *indexerKernelDescribe(IndexerKernel *kernel);

/* Launches the entry function on `stream` (a CUstream of the kernel's device,
 * NULL for the default stream). `results` are written, not allocated; tensors
 * are device memory; where they lie is not checked unless the environment says
 * INDEXER_CHECK_POINTERS=1 (docs/environment.md). Does not synchronise,
 * allocate or touch files, and can be captured in a CUDA graph. T = 0 launches
 * nothing. */
INDEXER_API IndexerStatus indexerKernelLaunch(IndexerKernel *kernel,
                                              const IndexerArgument *arguments,
                                              size_t num_arguments,
                                              const IndexerTensor *results,
                                              size_t num_results, void *stream);

/* Names of the kernels that such a launch takes, one for each fused op with
 * something to compute, separated by ", ", cut off after `size` - 1 characters.
 * Reads no element and launches nothing. */
INDEXER_API IndexerStatus indexerKernelSelect(IndexerKernel *kernel,
                                              const IndexerArgument *arguments,
                                              size_t num_arguments,
                                              const IndexerTensor *results,
                                              size_t num_results, char *names,
                                              size_t size);

/*===-- Devices: what a tool needs to run a kernel by itself ----------------*/

/* Number of CUDA devices; INDEXER_NO_DRIVER without libcuda. */
INDEXER_API IndexerStatus indexerDeviceCount(int *count);
/* Name such as "NVIDIA H100 80GB HBM3", chip such as "sm_90a", driver version
 * such as 13000. Each output may be NULL. */
INDEXER_API IndexerStatus indexerDeviceInfo(int device, char *name,
                                            size_t name_size, char *chip,
                                            size_t chip_size,
                                            int *driver_version);
INDEXER_API IndexerStatus indexerDeviceAllocate(int device, size_t size,
                                                void **data);
INDEXER_API IndexerStatus indexerDeviceFree(int device, void *data);
/* Both copies block until they are done. */
INDEXER_API IndexerStatus indexerCopyToDevice(int device, void *destination,
                                              const void *source, size_t size);
INDEXER_API IndexerStatus indexerCopyToHost(int device, void *destination,
                                            const void *source, size_t size);
INDEXER_API IndexerStatus indexerDeviceSynchronize(int device);
/* Launches `launches` times in a row on a stream of its own and gives the mean
 * time of one launch in microseconds, measured with CUDA events around all of
 * them after one warm-up launch. Blocks. */
INDEXER_API IndexerStatus indexerKernelTime(IndexerKernel *kernel,
                                            const IndexerArgument *arguments,
                                            size_t num_arguments,
                                            const IndexerTensor *results,
                                            size_t num_results, int launches,
                                            double *microseconds);

#ifdef __cplusplus
}
#endif

#endif /* INDEXER_C_RUNTIME_H */
