/*===- c_api_test.c - The C API from C ---------------------------*- C -*-===*\
|*                                                                            *|
|* Part of the indexer project, under the Apache License v2.0 with LLVM       *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Shows that the header is C and that the shared library exports what it     *|
|* declares. Runs without a GPU; prints "ok", or what is wrong.               *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#include "indexer-c/Runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void expect(int condition, const char *what) {
  if (condition)
    return;
  ++failures;
  printf("failed: %s (last error: %s)\n", what, indexerLastError());
}

int main(void) {
  IndexerBundle *bundle = NULL;
  IndexerKernel *kernel = NULL;
  IndexerTensor tensor = {NULL, INDEXER_F32, 0, NULL, NULL};
  IndexerArgument argument = {0, {NULL, INDEXER_F32, 0, NULL, NULL}, 1.0};
  char name[64], chip[16], byte = 0;
  void *data = NULL;
  double microseconds;
  int count = -1, version;

  expect(strcmp(indexerLastError(), "") == 0, "no error at first");
  expect(indexerBundleCreate("foreign", 7, &bundle) == INDEXER_BAD_BUNDLE,
         "foreign bytes");
  expect(strstr(indexerLastError(), "not a bundle") != NULL, "its message");
  expect(indexerBundleOpen("/nonexistent", &bundle) == INDEXER_INVALID_ARGUMENT,
         "missing file");
  expect(bundle == NULL, "no bundle");
  expect(strcmp(indexerBundleDescribe(NULL), "") == 0, "no description");
  indexerBundleDestroy(NULL);

  setenv("INDEXER_LIBCUDA", "/nonexistent/libcuda.so.1", 1);
  expect(indexerDeviceCount(&count) == INDEXER_NO_DRIVER, "no driver");
  expect(indexerDeviceInfo(0, name, sizeof name, chip, sizeof chip, &version) ==
             INDEXER_NO_DRIVER,
         "no driver to ask");
  expect(indexerDeviceAllocate(0, 16, &data) == INDEXER_NO_DRIVER,
         "no driver to allocate");
  expect(indexerDeviceFree(0, NULL) == INDEXER_OK, "free of null");
  expect(indexerCopyToDevice(0, &byte, &byte, 1) == INDEXER_NO_DRIVER,
         "no driver to copy to");
  expect(indexerCopyToHost(0, &byte, &byte, 1) == INDEXER_NO_DRIVER,
         "no driver to copy from");
  expect(indexerDeviceSynchronize(0) == INDEXER_NO_DRIVER,
         "no driver to wait for");

  expect(indexerKernelLoad(NULL, 0, &kernel) == INDEXER_INVALID_ARGUMENT,
         "no bundle to load");
  expect(indexerKernelLaunch(NULL, &argument, 1, &tensor, 1, NULL) ==
             INDEXER_INVALID_ARGUMENT,
         "no kernel to launch");
  expect(indexerKernelTime(NULL, &argument, 1, &tensor, 1, 1, &microseconds) ==
             INDEXER_INVALID_ARGUMENT,
         "no kernel to time");
  indexerKernelDestroy(NULL);

  if (!failures)
    printf("ok\n");
  return failures != 0;
}
