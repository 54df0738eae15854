// RUN: indexer-opt %s --verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(func.func( \
// RUN:     indexer-select-schedule{chip=sm_75}))'

// expected-error @below {{option 'chip' of 'indexer-select-schedule' got "sm_75"; accepted are sm_80, sm_89, sm_90a, sm_100a, sm_120a}}
func.func @unknown_chip() {
  return
}
