/*===- head_gate.c - Load a bundle and launch it -----------------*- C -*-===*\
|*                                                                            *|
|* Part of the indexer project, under the Apache License v2.0 with LLVM       *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The head gate from C, with neither LLVM nor the CUDA toolkit:              *|
|*                                                                            *|
|*   indexer-compile --heads 64 --hidden 7168 -o head_gate.idxb               *|
|*   cc -Iinclude examples/c/head_gate.c -Lbuild/lib -lindexer_runtime \      *|
|*     -Wl,-rpath,build/lib -o head_gate                                      *|
|*   ./head_gate head_gate.idxb 5 64 7168                                     *|
|*                                                                            *|
|* All inputs are powers of two, so that the result is exact.                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#include "indexer-c/Runtime.h"

#include <stdio.h>
#include <stdlib.h>

/* Ends the program with the library's sentence when a call fails. */
static void check(IndexerStatus status) {
  if (status == INDEXER_OK)
    return;
  fprintf(stderr, "head_gate: error: %s\n", indexerLastError());
  exit(1);
}

/* A tensor on device 0, its elements all the `size` bytes at `element`. */
static IndexerTensor makeTensor(IndexerType type, size_t size,
                                const void *element, int32_t rank,
                                const int64_t *shape) {
  IndexerTensor tensor = {NULL, type, rank, shape, NULL};
  size_t count = 1, i, k;
  char *host;
  for (i = 0; i < (size_t)rank; ++i)
    count *= (size_t)shape[i];
  host = malloc(count * size + 1);
  if (!host) {
    fprintf(stderr, "head_gate: error: no host memory\n");
    exit(1);
  }
  for (i = 0; i < count; ++i)
    for (k = 0; k < size; ++k)
      host[i * size + k] = ((const char *)element)[k];
  check(indexerDeviceAllocate(0, count * size + 1, &tensor.data));
  check(indexerCopyToDevice(0, tensor.data, host, count * size));
  free(host);
  return tensor;
}

int main(int argc, char **argv) {
  const uint16_t one = 0x3f80, half = 0x3f00; /* bf16 */
  const float two = 2, zero = 0;
  IndexerBundle *bundle;
  IndexerKernel *kernel;
  IndexerTensor x, weight, q_scale, gate;
  IndexerArgument arguments[5] = {{0}};
  int64_t t, h, e, x_shape[2], weight_shape[2], gate_shape[3];
  float *result, expected;
  size_t count, i, wrong = 0;

  if (argc != 5 || (t = atoll(argv[2])) < 1 || (h = atoll(argv[3])) < 1 ||
      (e = atoll(argv[4])) < 1) {
    fprintf(stderr, "usage: head_gate BUNDLE T H E\n");
    return 1;
  }
  check(indexerBundleOpen(argv[1], &bundle));
  check(indexerKernelLoad(bundle, 0, &kernel));
  indexerBundleDestroy(bundle); /* The kernel has what it needs. */

  x_shape[0] = gate_shape[0] = t;
  weight_shape[0] = gate_shape[1] = h;
  x_shape[1] = weight_shape[1] = e;
  gate_shape[2] = 1;
  x = makeTensor(INDEXER_BF16, sizeof one, &one, 2, x_shape);
  weight = makeTensor(INDEXER_BF16, sizeof half, &half, 2, weight_shape);
  q_scale = makeTensor(INDEXER_F32, sizeof two, &two, 3, gate_shape);
  gate = makeTensor(INDEXER_F32, sizeof zero, &zero, 3, gate_shape);

  arguments[0].is_tensor = arguments[1].is_tensor = arguments[2].is_tensor = 1;
  arguments[0].tensor = x;
  arguments[1].tensor = weight;
  arguments[2].tensor = q_scale;
  arguments[3].scalar = 0.125; /* head_scale */
  arguments[4].scalar = 0.25;  /* softmax_scale */
  expected = (float)e * 0.5f * 0.125f * 2 * 0.25f;

  /* On the default stream; a stream of the caller's goes in place of NULL. */
  check(indexerKernelLaunch(kernel, arguments, 5, &gate, 1, NULL));
  check(indexerDeviceSynchronize(0));

  count = (size_t)(t * h);
  result = malloc(count * sizeof *result);
  if (!result) {
    fprintf(stderr, "head_gate: error: no host memory\n");
    return 1;
  }
  check(indexerCopyToHost(0, result, gate.data, count * sizeof *result));
  for (i = 0; i < count; ++i)
    wrong += result[i] != expected;
  printf("gate[0, 0] = %g, expected %g; %zu of %zu elements are wrong\n",
         result[0], expected, wrong, count);

  free(result);
  check(indexerDeviceFree(0, x.data));
  check(indexerDeviceFree(0, weight.data));
  check(indexerDeviceFree(0, q_scale.data));
  check(indexerDeviceFree(0, gate.data));
  indexerKernelDestroy(kernel);
  return wrong != 0;
}
