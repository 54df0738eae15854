// RUN: indexer-opt %s --verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(func.func( \
// RUN:     indexer-select-schedule{weights=frozen}))'

// expected-error @below {{option 'weights' of 'indexer-select-schedule' got "frozen"; accepted are dependent, static}}
func.func @unknown_promise() {
  return
}
