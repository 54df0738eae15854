/*===- fake_graphs.c - Graphs for the fake CUDA driver -----------*- C -*-===*\
|*                                                                            *|
|* Part of the indexer project, under the Apache License v2.0 with LLVM       *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* What the benchmarks use of the driver beyond the runtime: linked with      *|
|* test/Unit/Runtime's fake driver, whose functions are found through this    *|
|* library. A launch computes the head gate on the CPU (H = 64, E = 7168,     *|
|* row-major operands); with the environment's FAKE_WRONG it leaves the       *|
|* result as it is. Graphs run nothing, an event takes 2 ms.                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { heads = 64, hidden = 7168 };

static int isCapturing;
/* What tensor maps begin with, and no other parameter. */
static const uint64_t mapMark = 0xfedcba9876543210;

int cuTensorMapEncodeTiled(void *map, int type, unsigned rank, void *address,
                           const void *extents, const void *strides,
                           const void *box, const void *steps, int interleave,
                           int swizzle, int promotion, int fill) {
  (void)type, (void)rank, (void)extents, (void)strides, (void)box, (void)steps;
  (void)interleave, (void)swizzle, (void)promotion, (void)fill;
  memcpy(map, &mapMark, sizeof mapMark);
  return address == NULL;
}

static float widen(uint16_t value) {
  uint32_t bits = (uint32_t)value << 16;
  float wide;
  memcpy(&wide, &bits, sizeof wide);
  return wide;
}

/* Parameters: tensor maps, then x, weight, q_scale and result, each a pointer and
 * two strides, and two scalars. T, no address, stands before the operands, or
 * behind them in kernels that start early. */
int cuLaunchKernelEx(const void *config, void *function, void **parameters,
                     void **extra) {
  (void)config, (void)function, (void)extra;
  while (memcmp(parameters[0], &mapMark, sizeof mapMark) == 0)
    ++parameters;
  if (isCapturing || getenv("FAKE_WRONG"))
    return 0;
  int isFirst = *(uint64_t *)parameters[0] < 4096;
  void **operands = parameters + isFirst;
  const uint16_t *x = *(uint16_t **)operands[0];
  const uint16_t *weight = *(uint16_t **)operands[3];
  const float *scale = *(float **)operands[6];
  float *gate = *(float **)operands[9];
  int64_t tokens = *(int64_t *)parameters[isFirst ? 0 : 12];
  float factor = *(float *)parameters[13] * *(float *)parameters[14];
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t h = 0; h < heads; ++h) {
      double sum = 0;
      for (int64_t d = 0; d < hidden; ++d)
        sum += widen(x[t * hidden + d]) * widen(weight[h * hidden + d]);
      gate[t * heads + h] = (float)(sum * factor * scale[t * heads + h]);
    }
  return 0;
}

int cuMemcpyDtoD_v2(unsigned long long to, unsigned long long from,
                    size_t size) {
  memcpy((void *)to, (const void *)from, size);
  return 0;
}
int cuMemsetD8_v2(unsigned long long to, unsigned char value, size_t size) {
  memset((void *)to, value, size);
  return 0;
}
int cuStreamBeginCapture_v2(void *stream, int mode) {
  (void)stream;
  if (isCapturing || mode < 0 || mode > 2)
    return 1;
  isCapturing = 1;
  return 0;
}
int cuStreamEndCapture(void *stream, void **graph) {
  (void)stream;
  if (!isCapturing)
    return 1;
  isCapturing = 0;
  *graph = &isCapturing;
  return 0;
}
int cuGraphInstantiateWithFlags(void **executable, void *graph,
                                unsigned long long flags) {
  if (graph != &isCapturing || flags != 0)
    return 1;
  *executable = graph;
  return 0;
}
int cuGraphLaunch(void *executable, void *stream) {
  (void)stream;
  return executable != &isCapturing;
}
int cuEventSynchronize(void *event) { return event == NULL; }
